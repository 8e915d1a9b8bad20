import { type BackendSettings, chainedNames } from "@kong-serverless/config";
import { ServerlessError } from "@kong-serverless/runtime";

import type { ActivatorDeps } from "./activator-deps.ts";

/** A backend as the others of its chain see it. */
export interface ChainMember {
  readonly name: string;
  readonly settings: BackendSettings;
  readonly chain: Chain;
  /** Whether requests are held for it. */
  readonly isHolding: boolean;
  /** Whether it is known where to probe it, if it is probed at all. */
  readonly isProbeable: boolean;
  /** Ready by its own probe, whatever it waits for in turn, so that two that wait for each other both become ready. */
  readonly isReadyItself: boolean;
  /** Probes of its latest activation, without those of others. */
  readonly ownProbes: number;
  /** Settles once its activation has an outcome; undefined while there is none. */
  readonly answered: Promise<void> | undefined;
  /** Wakes it for requests that another one holds, as if they were held for it. */
  wakeFor(other: string, deadlineMs: number): void;
  /** Something that it waits for is gone. */
  lose(cause: "chain"): void;
  /** It is in use, at least for now. */
  startUpkeep(): void;
}

export interface ChainOptions {
  readonly own: ChainMember;
  readonly find: (name: string) => ChainMember | undefined;
  readonly all: () => Iterable<ChainMember>;
  readonly observe: ActivatorDeps["observe"];
}

/** One request wakes at most this many other backends, however they name each other. */
const maxChained = 64;

/**
 * What a backend and others need of each other. Those that it needs are looked up each time, since configurations come and
 * go, and Kong makes them known one by one. A cycle of several backends ends where it began.
 */
export class Chain {
  readonly #options: ChainOptions;
  /** Unknown or superfluous names that have been reported. */
  readonly #reported = new Set<string>();
  /** Backends that have woken this one for requests they hold. Those that hold none any more are removed on reading. */
  readonly #wokenBy = new Set<ChainMember>();
  #neededUntilMs = -Infinity;

  constructor(options: ChainOptions) {
    this.#options = options;
  }

  /** Those that must be ready before the backend's requests are released. */
  get awaited(): readonly ChainMember[] {
    return this.#reach(({ waitFor = [] }) => waitFor);
  }

  /** Those of them that are not ready. */
  get blockers(): readonly ChainMember[] {
    return this.awaited.filter((other) => !other.isReadyItself);
  }

  /** Whether others that hold requests, or are in use, need this backend. */
  get isNeeded(): boolean {
    for (const other of this.#wokenBy) {
      if (other.isHolding) return true;
      this.#wokenBy.delete(other);
    }
    return performance.now() < this.#neededUntilMs;
  }

  /** Throws PROBE_TARGET_UNKNOWN for an awaited backend that cannot be probed. */
  assertProbeable(): void {
    const { name } = this.#options.own;
    for (const other of this.awaited) {
      if (other.isProbeable) continue;
      const message = `${name} waits for ${other.name}, which has no \`upstream\` and has had no request of its own: nobody knows where to probe it.`;
      throw new ServerlessError("PROBE_TARGET_UNKNOWN", message, { backend: other.name });
    }
  }

  /** Wakes the others for requests that the backend holds. */
  wake(deadlineMs: number): void {
    const { own } = this.#options;
    for (const other of this.#woken) {
      other.chain.#wokenBy.add(own);
      other.wakeFor(own.name, deadlineMs);
    }
  }

  /** Keeps the others warm until then, since the backend is in use. */
  keepWarm(untilMs: number): void {
    for (const other of this.#woken) {
      other.chain.#neededUntilMs = Math.max(other.chain.#neededUntilMs, untilMs);
      other.startUpkeep();
    }
  }

  /** The backend is gone: those that wait for it are of no use without it. Those that merely wake it are. */
  loseDependents(): void {
    const { own, all } = this.#options;
    for (const other of all())
      if (other.settings.waitFor !== undefined && other.chain.awaited.includes(own)) other.lose("chain");
  }

  /** Those that are woken and kept warm together with the backend. */
  get #woken(): readonly ChainMember[] {
    return this.#reach(chainedNames);
  }

  #reach(namesOf: (settings: BackendSettings) => Iterable<string>): readonly ChainMember[] {
    const { own, find } = this.#options;
    if (own.settings.alsoWake === undefined && own.settings.waitFor === undefined) return [];
    const reached = new Map<string, ChainMember>();
    const names = [...namesOf(own.settings)];
    // The list grows on the way.
    for (const name of names) {
      if (name === own.name || reached.has(name)) continue;
      const backend = find(name);
      if (backend === undefined || reached.size >= maxChained) {
        this.#report(name, backend === undefined ? "unknown" : "too_long");
        continue;
      }
      this.#reported.delete(name);
      reached.set(name, backend);
      names.push(...namesOf(backend.settings));
    }
    return [...reached.values()];
  }

  #report(chained: string, cause: "unknown" | "too_long"): void {
    if (this.#reported.has(chained)) return;
    this.#reported.add(chained);
    const { own, observe } = this.#options;
    observe({ event: "chain.broken", backend: own.name, chained, cause });
  }
}

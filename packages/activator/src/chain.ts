import type { BackendSettings } from "@kong-serverless/config";
import { chainedNames } from "@kong-serverless/config";

import type { ActivatorDeps } from "./activator-deps.ts";

/** However backends name each other, one request wakes no more than so many others. */
const maxChained = 64;

interface ChainedBackend {
  readonly name: string;
  readonly settings: BackendSettings;
}

/**
 * The other backends that a backend's requests need, and those that they need in turn. They are looked up each time:
 * configurations come and go, and Kong makes them known one by one. A cycle over several of them ends where it began.
 */
export class Chain<Backend extends ChainedBackend> {
  readonly #first: Backend;
  readonly #find: (name: string) => Backend | undefined;
  readonly #observe: ActivatorDeps["observe"];
  /** What has been told of already. */
  readonly #missed = new Set<string>();

  constructor(
    first: Backend,
    find: (name: string) => Backend | undefined,
    observe: ActivatorDeps["observe"],
  ) {
    this.#first = first;
    this.#find = find;
    this.#observe = observe;
  }

  /** Those that are woken and kept warm together with it. */
  get woken(): readonly Backend[] {
    return this.#reach(chainedNames);
  }

  /** Those that must be ready before its requests go on. */
  get awaited(): readonly Backend[] {
    return this.#reach(({ waitFor = [] }) => waitFor);
  }

  #reach(namesOf: (settings: BackendSettings) => Iterable<string>): readonly Backend[] {
    const { name: own, settings } = this.#first;
    if (settings.alsoWake === undefined && settings.waitFor === undefined) return [];
    const reached = new Map<string, Backend>();
    const names = [...namesOf(settings)];
    // It grows on the way.
    for (const name of names) {
      if (name === own || reached.has(name)) continue;
      const backend = this.#find(name);
      if (backend === undefined || reached.size >= maxChained) {
        this.#miss(name, backend === undefined ? "unknown" : "too_long");
        continue;
      }
      this.#missed.delete(name);
      reached.set(name, backend);
      names.push(...namesOf(backend.settings));
    }
    return [...reached.values()];
  }

  #miss(chained: string, cause: "unknown" | "too_long"): void {
    if (this.#missed.has(chained)) return;
    this.#missed.add(chained);
    this.#observe({ event: "chain.broken", backend: this.#first.name, chained, cause });
  }
}

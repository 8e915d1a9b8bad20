import type { Answer } from "../answer.ts";
import type { Destination } from "../destination.ts";
import { Entity, type EntityParts, refusal } from "../entity.ts";

/** How long after its last request an entity is kept that no gateway is configured with: a draining worker may still need it. */
const unusedMs = 60_000;
const maxEntities = 10_000;

interface Known {
  readonly entity: Entity;
  usedAtMs: number;
}

/** The plugin entities of the gateways that run the Lua form, by the ids that these give them. */
export class LuaEntities {
  readonly #parts: EntityParts;
  readonly #known = new Map<string, Known>();
  readonly #listed = new Map<string, ReadonlySet<string>>();

  constructor(parts: EntityParts) {
    this.#parts = parts;
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** Never throws for a configuration: what is wrong with it is logged, and its requests are refused. */
  add(id: string, configuration: unknown): void {
    if (this.#known.has(id)) return;
    if (this.#known.size >= maxEntities) this.#forgetOldest();
    const entity = new Entity(configuration, this.#parts);
    this.#known.set(id, { entity, usedAtMs: performance.now() });
  }

  /** Where requests for one of an entity's backends go, or the answer to all of them. Undefined: its configuration is needed. */
  find(id: string, backend: number): Destination | Answer | undefined {
    const known = this.#known.get(id);
    if (known === undefined) return undefined;
    known.usedAtMs = performance.now();
    try {
      return known.entity.claim().destinations[backend];
    } catch (error) {
      return refusal(error);
    }
  }

  /** Remembers what a gateway is configured with: ids, each with a number that is higher for later configurations. */
  list(gateway: string, seqs: Readonly<Record<string, number>>): void {
    this.#listed.set(gateway, new Set(Object.keys(seqs)));
    for (const [id, seq] of Object.entries(seqs)) this.#known.get(id)?.entity.configuredAgain(seq);
  }

  forget(gateway: string): void {
    this.#listed.delete(gateway);
  }

  /** Removes entities that no gateway is configured with any more. */
  sweep(nowMs: number): void {
    const lists = [...this.#listed.values()];
    for (const [id, { usedAtMs }] of this.#known)
      if (!lists.some((ids) => ids.has(id)) && nowMs - usedAtMs >= unusedMs) this.#remove(id);
  }

  #forgetOldest(): void {
    const [oldest] = [...this.#known].toSorted(([, one], [, other]) => one.usedAtMs - other.usedAtMs);
    if (oldest !== undefined) this.#remove(oldest[0]);
  }

  #remove(id: string): void {
    this.#known.get(id)?.entity.release();
    this.#known.delete(id);
  }
}

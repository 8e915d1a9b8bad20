import { ServerlessError } from "@kong-serverless/runtime";

import type { Answer } from "../answer.ts";
import type { Destination } from "../destination.ts";
import { Entity, type EntityParts, refusal } from "../entity.ts";

/** How long an entity that no gateway lists is kept after its last request: a draining worker may still need it. */
const unusedMs = 60_000;
/** A longer configuration is refused: parsing it would delay every other request. */
const maxConfigBytes = 64 * 1024;

interface Known {
  readonly entity: Entity;
  readonly bytes: number;
  usedAtMs: number;
  /** Requests that are being decided. */
  requests: number;
}

/** Beyond these the entities unused for longest are forgotten. */
export interface EntityLimits {
  readonly maxEntities?: number;
  /** Of all configurations together. */
  readonly maxConfigTotalBytes?: number;
}

/** The plugin entities of the gateways that run the Lua form, by the ids that the gateways give them. */
export class LuaEntities {
  readonly #parts: EntityParts;
  readonly #known = new Map<string, Known>();
  readonly #maxEntities: number;
  readonly #maxConfigTotalBytes: number;
  #configBytes = 0;
  readonly #listed = new Map<string, ReadonlySet<string>>();

  constructor(
    parts: EntityParts,
    { maxEntities = 10_000, maxConfigTotalBytes = 64 * 1024 * 1024 }: EntityLimits = {},
  ) {
    this.#parts = parts;
    this.#maxEntities = maxEntities;
    this.#maxConfigTotalBytes = maxConfigTotalBytes;
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /**
   * Never throws for an invalid configuration: the fault is logged, and its requests are refused. Nothing is added while the
   * entities in use leave no room.
   */
  add(id: string, configuration: unknown): void {
    if (this.#known.has(id)) return;
    const bytes = Buffer.byteLength(JSON.stringify(configuration) ?? "");
    const isTaken = bytes <= maxConfigBytes;
    const kept = isTaken ? bytes : 0;
    if (!this.#makeRoom(kept)) return;
    const entity = new Entity(isTaken ? configuration : tooLong(bytes), this.#parts);
    this.#known.set(id, { entity, bytes: kept, usedAtMs: performance.now(), requests: 0 });
    this.#configBytes += kept;
  }

  /** Where requests for one of an entity's backends go, or the answer that refuses them; undefined for an unknown entity. */
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

  /** Keeps an entity for a request that is being decided, until what this returns is called. */
  use(id: string): () => void {
    const known = this.#known.get(id);
    if (known === undefined) return () => {};
    known.requests += 1;
    return () => {
      known.requests -= 1;
      known.usedAtMs = performance.now();
    };
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
    for (const [id, { usedAtMs, requests }] of this.#known) {
      const isUsed = requests > 0 || nowMs - usedAtMs < unusedMs || lists.some((ids) => ids.has(id));
      if (!isUsed) this.#remove(id);
    }
  }

  /** Forgets the entities unused for longest. False when those in use leave no room. */
  #makeRoom(bytes: number): boolean {
    while (this.#known.size >= this.#maxEntities || this.#configBytes + bytes > this.#maxConfigTotalBytes) {
      const oldest = this.#leastRecentlyUsed();
      if (oldest === undefined) return false;
      this.#remove(oldest);
    }
    return true;
  }

  #leastRecentlyUsed(): string | undefined {
    let oldest: string | undefined;
    let usedAtMs = Infinity;
    for (const [id, known] of this.#known) {
      if (known.requests > 0 || known.usedAtMs >= usedAtMs) continue;
      oldest = id;
      usedAtMs = known.usedAtMs;
    }
    return oldest;
  }

  #remove(id: string): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    known.entity.release();
    this.#configBytes -= known.bytes;
    this.#known.delete(id);
  }
}

function tooLong(bytes: number): ServerlessError {
  const message = `The plugin's configuration has ${bytes} bytes; at most ${maxConfigBytes} are allowed.`;
  return new ServerlessError("CONFIG_REFUSED", message);
}

import { ServerlessError } from "@kong-serverless/runtime";

const windowMs = 60_000;
/** Beyond this, the least recently seen client is forgotten, and its counts start from zero. */
const maxClients = 50_000;

/** What one client may do; 0: no limit. */
export interface ClientLimits {
  readonly maxHeldPerClient: number;
  readonly maxColdStartsPerClient: number;
}

interface Client {
  held: number;
  coldStarts: number;
  windowEndsMs: number;
}

/** The clients that have held requests, or have had backends woken in the last minute. */
export class Clients {
  readonly #clients = new Map<string, Client>();

  /** Throws CLIENT_LIMIT_REACHED if no more requests of this client may be held, or may wake a backend. */
  assertRoom(key: string, limits: ClientLimits, isColdStart: boolean, backend: string): void {
    const { maxHeldPerClient, maxColdStartsPerClient } = limits;
    const client = this.#clients.get(key);
    if (client === undefined) return;
    if (maxHeldPerClient > 0 && client.held >= maxHeldPerClient)
      throw refused(backend, `${client.held} requests of one client are held already`);
    const isWithin = performance.now() < client.windowEndsMs;
    if (isColdStart && isWithin && maxColdStartsPerClient > 0 && client.coldStarts >= maxColdStartsPerClient)
      throw refused(backend, `${client.coldStarts} cold starts in a minute were caused by one client`);
  }

  /** Counts a held request. Returns what to call when it is no longer held. */
  hold(key: string, isColdStart: boolean): () => void {
    const client = this.#find(key);
    client.held += 1;
    if (isColdStart) client.coldStarts += 1;
    return () => {
      client.held -= 1;
      const isOver =
        client.held === 0 && (client.coldStarts === 0 || performance.now() >= client.windowEndsMs);
      if (isOver && this.#clients.get(key) === client) this.#clients.delete(key);
    };
  }

  #find(key: string): Client {
    const nowMs = performance.now();
    const known = this.#clients.get(key);
    // Inserted again, so that the map's first is the least recently seen.
    if (known === undefined) this.#makeRoom();
    else this.#clients.delete(key);
    const client = known ?? { held: 0, coldStarts: 0, windowEndsMs: nowMs + windowMs };
    this.#clients.set(key, client);
    if (nowMs >= client.windowEndsMs) {
      client.coldStarts = 0;
      client.windowEndsMs = nowMs + windowMs;
    }
    return client;
  }

  #makeRoom(): void {
    if (this.#clients.size < maxClients) return;
    const [oldest] = this.#clients.keys();
    if (oldest !== undefined) this.#clients.delete(oldest);
  }
}

function refused(backend: string, why: string): ServerlessError {
  return new ServerlessError("CLIENT_LIMIT_REACHED", `${why}.`, { backend });
}

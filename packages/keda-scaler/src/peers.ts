import { lookup } from "node:dns/promises";

import { type ChannelCredentials, Client } from "@grpc/grpc-js";
import { type Log, sleep } from "@kong-serverless/runtime";

import { GatewayPeers } from "./gateway_peers_pb.ts";
import { callUnary } from "./grpc.ts";

export interface PeersOptions {
  /** `host:port`. A host may stand for several addresses, as a headless Service's name does. */
  readonly addresses: readonly string[];
  readonly credentials: ChannelCredentials;
  /** Random for this process. */
  readonly self: string;
  readonly log: Log;
}

/** How often names are looked up again: cluster DNS lets answers be cached this long. */
const refreshMs = 5_000;
const maxPeers = 100;
/** By then the wake queue has woken the backend. */
const wakeTimeoutMs = 1_000;
/** KEDA waits for the sum while holding a lock that pushes need, so a silent peer is left out. */
const demandTimeoutMs = 250;

const clientOptions = {
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_reconnect_backoff_ms": 5_000,
};

/** The gateway's other pods: each gets every wake, and is asked for its share of the demand. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #clients = new Map<string, Client>();
  readonly #stopped = new AbortController();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Looks the peers up now, and again at intervals. */
  async start(): Promise<void> {
    if (this.#options.addresses.length === 0) return;
    await this.#refresh();
    void this.#keepCurrent();
  }

  stop(): void {
    this.#stopped.abort();
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  /** Sends a wake to each peer without waiting. A peer that cannot be reached now misses it. */
  wake(backend: string): void {
    const { self: sender, log } = this.#options;
    for (const [address, client] of this.#clients) {
      callUnary(client, GatewayPeers.method.wake, { sender, backend }, { timeoutMs: wakeTimeoutMs }).catch(
        (error: unknown) => log.debug({ backend, peer: address, error: String(error) }, "scaler.peer_failed"),
      );
    }
  }

  /** The sum over the peers that answer in time. */
  async demand(backend: string): Promise<number> {
    const { self: sender } = this.#options;
    const { getDemand } = GatewayPeers.method;
    const demands = await Promise.all(
      [...this.#clients.values()].map((client) =>
        callUnary(client, getDemand, { sender, backend }, { timeoutMs: demandTimeoutMs }).then(
          // A wrong answer must not hide the demand of the others.
          ({ demand }) => (demand > 0 && demand < Infinity ? demand : 0),
          () => 0,
        ),
      ),
    );
    return demands.reduce((sum, demand) => sum + demand, 0);
  }

  async #keepCurrent(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await sleep(refreshMs, signal).catch(() => {});
      if (!signal.aborted) await this.#refresh();
    }
  }

  async #refresh(): Promise<void> {
    const found = await Promise.all(this.#options.addresses.map((address) => this.#lookUp(address)));
    // While a name cannot be looked up, the peers stay as they were.
    if (this.#stopped.signal.aborted || found.includes(undefined)) return;
    const current = new Map(found.flatMap((peers) => peers ?? []).slice(0, maxPeers));
    for (const [address, client] of this.#clients) {
      if (current.has(address)) continue;
      client.close();
      this.#clients.delete(address);
    }
    for (const [address, host] of current) {
      const client = this.#clients.get(address) ?? this.#connect(address, host);
      this.#clients.set(address, client);
      // Connect now, and reconnect after a break: a wake must not have to wait.
      client.getChannel().getConnectivityState(true);
    }
  }

  #connect(address: string, host: string): Client {
    // Certificates name the Service, not the addresses of its pods.
    const options = { ...clientOptions, "grpc.ssl_target_name_override": host };
    return new Client(address, this.#options.credentials, options);
  }

  /** The addresses behind a name, each with the name; undefined when it cannot be looked up. */
  async #lookUp(address: string): Promise<[string, string][] | undefined> {
    const [, host = "", port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
    try {
      const found = await lookup(host, { all: true });
      return found.map(({ address: ip, family }) => [
        family === 6 ? `[${ip}]:${port}` : `${ip}:${port}`,
        host,
      ]);
    } catch (error) {
      this.#options.log.warn({ host, error: String(error) }, "scaler.peers_unknown");
      return undefined;
    }
  }
}

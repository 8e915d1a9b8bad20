import { sleep } from "@kong-serverless/runtime";
import { ScriptedBackend, ScriptedSidecar } from "@kong-serverless/testing";

import { EventConnection } from "./event-connection.ts";
import { type PluginProcess, startServerless } from "./plugin-process.ts";
import { protobuf, startProtobufInstance } from "./protobuf.ts";

/** Connections opened at once, fewer than the listen backlog. */
const batch = 2000;
const heldTimeoutMs = 60_000;

/**
 * Plays Kong for a route whose backend sleeps: thousands of requests, each on its own connection to the real process.
 */
export class HoldLoad {
  readonly plugin: PluginProcess;
  readonly backend: ScriptedBackend;
  readonly sidecar: ScriptedSidecar;
  readonly #opsUrl: string;
  readonly #connections: EventConnection[] = [];

  /** @param nodeArgs For the plugin server's Node. */
  static async start(nodeArgs: readonly string[] = []): Promise<HoldLoad> {
    const backend = await new ScriptedBackend(503).start();
    const sidecar = await new ScriptedSidecar().start();
    const plugin = await startServerless(sidecar.url, nodeArgs);
    const { opsPort } = await plugin.app.waitFor("service.started", { timeoutMs: 60_000 });
    return new HoldLoad({ backend, sidecar, plugin, opsUrl: `http://127.0.0.1:${String(opsPort)}` });
  }

  private constructor({
    backend,
    sidecar,
    plugin,
    opsUrl,
  }: Pick<HoldLoad, "backend" | "sidecar" | "plugin"> & { readonly opsUrl: string }) {
    this.backend = backend;
    this.sidecar = sidecar;
    this.plugin = plugin;
    this.#opsUrl = opsUrl;
  }

  /** Adds a route with a backend of this name; resolves with a function that makes the first bytes of an event. */
  addRoute(name: string, settings: object = {}): Promise<(eventName: string) => Buffer> {
    const { url: upstream } = this.backend;
    const backend = { name, upstream, health: "/healthz", pubsub: "pubsub", topic: "wake-bench" };
    return startProtobufInstance(this.plugin.socketPath, "serverless", { ...settings, backend: [backend] });
  }

  /** Begins `event` on the connections `from` to `to`; resolves once these and all earlier ones are held. */
  async hold(options: {
    readonly backend: string;
    readonly event: Buffer;
    readonly from: number;
    readonly to: number;
  }): Promise<HeldRequest[]> {
    const { backend, event, from, to } = options;
    const held: HeldRequest[] = [];
    for (let start = from; start < to; start += batch) {
      const end = Math.min(start + batch, to);
      const connections = await this.connections(end);
      for (const connection of connections.slice(start, end))
        held.push({ answeredAtMs: play(connection, event) });
      await this.#untilHeld(backend, end);
    }
    return held;
  }

  /** Plays `event` on `count` connections, and resolves once all have ended. */
  async log(count: number, event: Buffer): Promise<void> {
    const connections = await this.connections(count);
    await Promise.all(connections.map((connection) => play(connection, event)));
  }

  /** Returns the first `count` connections, and opens those that are missing. */
  async connections(count: number): Promise<EventConnection[]> {
    const missing = Math.max(0, count - this.#connections.length);
    const opening = Array.from({ length: missing }, () =>
      EventConnection.open(this.plugin.socketPath, protobuf),
    );
    this.#connections.push(...(await Promise.all(opening)));
    return this.#connections.slice(0, count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close();
    await this.plugin[Symbol.asyncDispose]();
    await this.sidecar.stop();
    await this.backend.stop();
  }

  async #untilHeld(backend: string, count: number): Promise<void> {
    const giveUpAtMs = performance.now() + heldTimeoutMs;
    for (;;) {
      const response = await fetch(`${this.#opsUrl}/demand/${backend}`);
      const { held } = (await response.json()) as { held: number };
      if (held === count) return;
      if (performance.now() > giveUpAtMs) throw new Error(`${held} of ${count} requests are held`);
      await sleep(10);
    }
  }
}

export interface HeldRequest {
  /** On the clock of `performance.now()`, when its event has ended. */
  readonly answeredAtMs: Promise<number>;
}

function play(connection: EventConnection, event: Buffer): Promise<number> {
  return new Promise((resolve) => connection.play(event, () => resolve(performance.now())));
}

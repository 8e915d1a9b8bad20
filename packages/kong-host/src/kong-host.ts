import { randomUUID } from "node:crypto";

import { type Log, silentLog } from "@kong-serverless/runtime";

import type { AccessOutcome } from "./access-outcome.ts";
import type { Exchange } from "./exchange.ts";
import { NginxWorker } from "./nginx-worker.ts";
import type { PdkContext } from "./pdk/context.ts";
import { PluginExit } from "./pdk/response.ts";
import type { PluginEntity } from "./plugin-entity.ts";

export interface KongHostOptions {
  /** Path of the plugin server's unix socket. */
  readonly socketPath: string;
  /** Number of nginx workers: requests are spread over them, and each starts its own plugin instances. Default 1. */
  readonly workers?: number;
  /** Milliseconds that one read from the plugin server may take. Default 60,000, as in OpenResty. */
  readonly readTimeoutMs?: number;
  /** What `kong.node.getId()` returns. Default: a random UUID. */
  readonly nodeId?: string;
  readonly log?: Log;
}

/**
 * Kong's side of `ProtoBuf:1`: calls a plugin server for the requests of a gateway as Kong 3.9 does.
 *
 * @example
 * const host = new KongHost({ socketPath });
 * const outcome = await host.access(entity, exchange, clientLeft);
 * exchange.response = { status: 200, headers: {}, source: "service" };
 * await host.log(entity, exchange);
 */
export class KongHost {
  readonly #log: Log;
  readonly #nodeId: string;
  readonly #workers: readonly NginxWorker[];
  /** A request stays with the worker that took it. */
  readonly #workerOf = new WeakMap<Exchange, NginxWorker>();
  #requests = 0;

  constructor(options: KongHostOptions) {
    const { socketPath, workers = 1, readTimeoutMs = 60_000 } = options;
    this.#log = options.log ?? silentLog;
    this.#nodeId = options.nodeId ?? randomUUID();
    const onInstancesLost = (pluginName: string) => {
      for (const worker of this.#workers) worker.forgetInstances(pluginName);
    };
    this.#workers = Array.from(
      { length: workers },
      () => new NginxWorker({ socketPath, readTimeoutMs, onInstancesLost }),
    );
  }

  /**
   * Runs the plugin's `access` for a request. Rejects only with the reason of `signal`, which aborts when the client leaves;
   * the connection to the plugin server is then closed, as Kong does with `lua_check_client_abort=on`.
   */
  async access(entity: PluginEntity, exchange: Exchange, signal?: AbortSignal): Promise<AccessOutcome> {
    try {
      await this.#worker(exchange).handleEvent(entity, "access", this.#context(exchange), signal);
      return { kind: "proxy" };
    } catch (error) {
      if (error instanceof PluginExit) {
        const { status, headers, body } = error;
        return { kind: "exit", status, headers, body };
      }
      signal?.throwIfAborted();
      this.#log.error({ plugin: entity.name, request: exchange.id, error }, "plugin_server.failed");
      return { kind: "error", status: 500, reason: (error as Error).message };
    }
  }

  /** Runs the plugin's `log` for an exchange whose `response` is set. Never rejects: Kong does not wait for it either. */
  async log(entity: PluginEntity, exchange: Exchange): Promise<void> {
    try {
      await this.#worker(exchange).handleEvent(entity, "log", this.#context(exchange));
    } catch (error) {
      this.#log.error({ plugin: entity.name, request: exchange.id, error }, "plugin_server.failed");
    }
  }

  /** Closes every connection. */
  close(): Promise<void> {
    for (const worker of this.#workers) worker.close();
    return Promise.resolve();
  }

  #worker(exchange: Exchange): NginxWorker {
    const known = this.#workerOf.get(exchange);
    if (known) return known;
    const worker = this.#workers[this.#requests++ % this.#workers.length] as NginxWorker;
    this.#workerOf.set(exchange, worker);
    return worker;
  }

  #context(exchange: Exchange): PdkContext {
    return { exchange, nodeId: this.#nodeId, log: this.#log };
  }
}

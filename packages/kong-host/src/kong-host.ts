import { type Log, silentLog } from "@kong-serverless/runtime";

import type { AccessOutcome } from "./access-outcome.ts";
import type { Exchange } from "./exchange.ts";
import type { PluginEntity } from "./plugin-entity.ts";

export interface KongHostOptions {
  /** Path of the plugin server's unix socket. */
  readonly socketPath: string;
  /** nginx workers: requests are spread over them, and each starts its own plugin instances. Default 1. */
  readonly workers?: number;
  /** How long one read from the plugin server may take, in ms. Default 60,000, as OpenResty's. */
  readonly readTimeoutMs?: number;
  readonly log?: Log;
}

/** Kong's side of `ProtoBuf:1`: calls a plugin server for the requests of a gateway as Kong 3.9 would. */
export class KongHost {
  readonly #options: KongHostOptions;
  readonly #log: Log;

  constructor(options: KongHostOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
  }

  /**
   * Runs the plugin's `access` for a request. Rejects only with `signal`'s reason: the client left, the connection to the
   * plugin server is closed (Kong does so with `lua_check_client_abort=on`).
   */
  access(entity: PluginEntity, exchange: Exchange, signal?: AbortSignal): Promise<AccessOutcome> {
    throw new Error(`not yet ${this.#options.socketPath} ${entity.id} ${exchange.id} ${signal?.aborted}`);
  }

  /** Runs the plugin's `log` for an exchange whose `response` is set. Never rejects: nobody waits for it in Kong either. */
  log(entity: PluginEntity, exchange: Exchange): Promise<void> {
    this.#log.debug({ entity: entity.id, exchange: exchange.id }, "log");
    return Promise.resolve();
  }

  /** Closes every connection. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

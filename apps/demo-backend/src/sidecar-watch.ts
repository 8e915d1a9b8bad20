import { probe, waitUntilReady } from "@kong-serverless/health-poller";
import type { Log } from "@kong-serverless/runtime";

export type SidecarState = "not looked for" | "waiting" | "ready" | "missing";

export interface SidecarWatchOptions {
  /** Base address of the sidecar's HTTP API. */
  readonly endpoint: string;
  /** Milliseconds after which it counts as missing. 0: nobody looks for it. */
  readonly deadlineMs: number;
  readonly log: Log;
}

const intervalMs = 250;
const timeoutMs = 1000;

/** Looks for the Dapr sidecar once, in the background. Jobs are published regardless: the sidecar may start later. */
export class SidecarWatch {
  readonly #options: SidecarWatchOptions;
  readonly #stopped = new AbortController();
  #state: SidecarState = "not looked for";

  constructor(options: SidecarWatchOptions) {
    this.#options = options;
  }

  get state(): SidecarState {
    return this.#state;
  }

  start(): void {
    if (this.#options.deadlineMs > 0) void this.#look();
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #look(): Promise<void> {
    const { endpoint, deadlineMs, log } = this.#options;
    // The plain health URL waits for the app that the sidecar serves; this one tells when the app can use the sidecar:
    // https://docs.dapr.io/reference/api/health_api/
    const url = new URL("/v1.0/healthz/outbound", endpoint).href;
    this.#state = "waiting";
    try {
      const { waitedMs } = await waitUntilReady({
        probe: (signal) => probe({ url, timeoutMs }, signal),
        intervalMs,
        deadlineMs,
        signal: this.#stopped.signal,
      });
      this.#state = "ready";
      log.info({ waitedMs: Math.round(waitedMs) }, "sidecar.ready");
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      this.#state = "missing";
      log.warn({ endpoint, reason: (error as Error).message }, "sidecar.missing");
    }
  }
}

import { tracesVariables } from "@kong-serverless/config";
import { freePort, pause } from "@kong-serverless/runtime";

import type { Journal } from "../journal.ts";
import { restartDelays } from "../kubelet/restart-delays.ts";
import { ChildProcess } from "../processes/child-process.ts";
import { journalLine } from "../processes/journal-line.ts";
import { nodeApp } from "../processes/node-app.ts";
import { untilReady } from "../processes/until-ready.ts";

export interface PluginServerProcessOptions {
  readonly entryPoint: string;
  readonly socketPath: string;
  readonly sidecarPort: number;
  /** Also serves the external scaler that instant wakes need. */
  readonly hasScaler: boolean;
  readonly journal: Journal;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

const stopGraceMs = 5_000;

/**
 * The real plugin server, like the container next to a stock Kong that shares its socket's directory. If it exits by
 * itself it is restarted like a kubelet does: at once the first time, then with a back-off.
 */
export class PluginServerProcess {
  readonly #options: PluginServerProcessOptions;
  readonly #stopped = new AbortController();
  #child: ChildProcess;
  /** Where it answers `/metrics` and `/demand/{name}`. */
  readonly opsPort: number;
  /** Where the autoscaler listens for wakes; undefined without a scaler. */
  readonly scalerPort: number | undefined;

  static async start(options: PluginServerProcessOptions): Promise<PluginServerProcess> {
    const scalerPort = options.hasScaler ? await freePort() : undefined;
    const started = new PluginServerProcess(options, await freePort(), scalerPort);
    await untilReady(started.#child, {
      name: "the plugin server",
      url: `http://127.0.0.1:${started.opsPort}/readyz`,
      signal: options.signal,
    });
    void started.#keepRunning();
    return started;
  }

  private constructor(options: PluginServerProcessOptions, opsPort: number, scalerPort: number | undefined) {
    this.#options = options;
    this.opsPort = opsPort;
    this.scalerPort = scalerPort;
    this.#child = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#child.stop(stopGraceMs);
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#stopped;
    for (const restartDelayMs of restartDelays()) {
      const exit = await this.#child.exited;
      if (signal.aborted) return;
      this.#options.journal.record("plugin", "container.exited", { ...exit, restartDelayMs });
      await pause(restartDelayMs, signal);
      if (signal.aborted) return;
      this.#child = this.#run();
    }
  }

  #run(): ChildProcess {
    const { entryPoint, socketPath, sidecarPort, journal } = this.#options;
    return new ChildProcess({
      ...nodeApp(entryPoint),
      environment: {
        KONG_SERVERLESS_SOCKET: socketPath,
        DAPR_HTTP_PORT: String(sidecarPort),
        OPS_HOST: "127.0.0.1",
        OPS_PORT: String(this.opsPort),
        ...tracesVariables(),
        ...(this.scalerPort !== undefined && {
          SCALER_HOST: "127.0.0.1",
          SCALER_PORT: String(this.scalerPort),
        }),
      },
      onLine: (line) => journalLine(journal, "plugin", line),
    });
  }
}

import type { Journal } from "../journal.ts";
import { ChildProcess } from "../processes/child-process.ts";
import { freePort } from "../processes/free-port.ts";
import { journalLine } from "../processes/journal-line.ts";
import { untilReady } from "../processes/until-ready.ts";

export interface PluginServerProcessOptions {
  readonly entryPoint: string;
  readonly socketPath: string;
  readonly sidecarPort: number;
  readonly journal: Journal;
  /** Ends the start while it is under way. */
  readonly signal: AbortSignal;
}

const stopGraceMs = 5_000;

/** The real plugin server, as the container that stands beside a stock Kong and shares its socket's directory. */
export class PluginServerProcess {
  readonly #child: ChildProcess;
  /** Where it answers `/metrics` and `/demand/{name}`. */
  readonly opsPort: number;

  static async start(options: PluginServerProcessOptions): Promise<PluginServerProcess> {
    const started = new PluginServerProcess(options, await freePort());
    await untilReady(started.#child, {
      name: "the plugin server",
      url: `http://127.0.0.1:${started.opsPort}/readyz`,
      signal: options.signal,
    });
    return started;
  }

  private constructor(
    { entryPoint, socketPath, sidecarPort, journal }: PluginServerProcessOptions,
    opsPort: number,
  ) {
    this.opsPort = opsPort;
    this.#child = new ChildProcess({
      command: process.execPath,
      args: [entryPoint],
      environment: {
        KONG_SERVERLESS_SOCKET: socketPath,
        DAPR_HTTP_PORT: String(sidecarPort),
        OPS_HOST: "127.0.0.1",
        OPS_PORT: String(opsPort),
      },
      onLine: (line) => journalLine(journal, "plugin", line),
    });
  }

  async stop(): Promise<void> {
    await this.#child.stop(stopGraceMs);
  }
}

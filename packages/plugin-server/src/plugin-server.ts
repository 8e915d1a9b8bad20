import { createServer, type Server, type Socket } from "node:net";

import { defaultMaxFrameBytes } from "@kong-serverless/kong-protocol";
import { type Log, silentLog } from "@kong-serverless/runtime";

import { ByteBudget } from "./byte-budget.ts";
import { Connection } from "./connection.ts";
import { type ExitAnswer, failureAnswer } from "./failure-answer.ts";
import { defaultInstanceLimits, type InstanceLimits, Instances } from "./instances.ts";
import type { PluginModule } from "./plugin-module.ts";
import { Rpc } from "./rpc.ts";
import { bindSocket, type BoundSocket } from "./socket-path.ts";
import { type StopOptions, untilIdle } from "./until-idle.ts";

/** How long a peer has to read its last answer before its connection is cut. */
const flushMs = 1000;

/** What is kept for all peers together that send half a frame or do not read. */
const defaultMaxBufferedBytes = 64 * 1024 * 1024;

export interface PluginServerOptions extends Partial<InstanceLimits> {
  readonly socketPath: string;
  readonly plugin: PluginModule;
  readonly log?: Log;
  /** Permission bits of the socket's file. Default 0o660: a pod's containers share it through the pod's group. */
  readonly socketMode?: number;
  /** See `PluginEventOptions`. Default 15,000 ms, well under Kong's read limit of 60 s. */
  readonly heartbeatMs?: number;
  /** Default 1 MiB. */
  readonly maxFrameBytes?: number;
  /** Parts of frames and unread answers, of all connections together. Default 64 MiB. */
  readonly maxBufferedBytes?: number;
  /** The answer to a request whose plugin throws. Default: a 503 with code PLUGIN_FAILED. */
  readonly failureAnswer?: ExitAnswer;
}

/**
 * Serves one plugin to Kong over a unix socket (`ProtoBuf:1`).
 *
 * @example
 * const server = new PluginServer({ socketPath: "/run/kong/serverless.socket", plugin, log });
 * await server.start();
 * await server.stop({ graceMs: 30_000, idleMs: 1_000 });
 */
export class PluginServer {
  readonly #options: PluginServerOptions;
  readonly #log: Log;
  readonly #failureAnswer: ExitAnswer;
  readonly #server: Server;
  readonly #instances: Instances;
  readonly #rpc: Rpc;
  readonly #budget: ByteBudget;
  readonly #connections = new Set<Connection>();
  readonly #stopping = new AbortController();
  #socket: BoundSocket | undefined;
  #runningEvents = 0;
  #lastEventEndedAtMs = 0;

  constructor(options: PluginServerOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#failureAnswer = options.failureAnswer ?? failureAnswer("PLUGIN_FAILED");
    const { plugin } = options;
    this.#budget = new ByteBudget(options.maxBufferedBytes ?? defaultMaxBufferedBytes);
    this.#instances = new Instances({ ...defaultInstanceLimits, ...options, log: this.#log });
    this.#rpc = new Rpc(plugin, this.#instances);
    this.#server = createServer((socket) => this.#onConnection(socket));
  }

  /** Aborts when `stop` is called: what the plugin's instances share should take on no new work then. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  get counts(): { readonly connections: number; readonly instances: number; readonly runningEvents: number } {
    return {
      connections: this.#connections.size,
      instances: this.#instances.size,
      runningEvents: this.#runningEvents,
    };
  }

  /** Resolves once Kong can connect. Takes the path over from a server that holds it. Fails with SOCKET_UNAVAILABLE. */
  async start(): Promise<void> {
    const { socketPath, socketMode = 0o660 } = this.#options;
    this.#socket = await bindSocket(this.#server, socketPath, socketMode);
    this.#server.on("error", (error) => this.#log.error({ error }, "socket.failed"));
    this.#log.info({ socketPath }, "server.started");
  }

  /**
   * Tells the plugin that it is stopping (`stopping`, `kong.isStopping`), and goes on serving until no event has run for
   * `idleMs`: Kong still sends warm requests while it stops itself, and would answer 500 for a server that has gone.
   */
  async stop(options: StopOptions): Promise<void> {
    this.#stopping.abort();
    await untilIdle(options, () => (this.#runningEvents > 0 ? performance.now() : this.#lastEventEndedAtMs));
    await this.#socket?.remove();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.close();
    const force = setTimeout(() => this.#connections.forEach((connection) => connection.destroy()), flushMs);
    await closed;
    clearTimeout(force);
    this.#instances.closeAll();
    this.#log.info({}, "server.stopped");
  }

  #onConnection(socket: Socket): void {
    const { heartbeatMs = 15_000, maxFrameBytes = defaultMaxFrameBytes } = this.#options;
    const connection = new Connection({
      socket,
      rpc: this.#rpc,
      instances: this.#instances,
      heartbeatMs,
      maxFrameBytes,
      budget: this.#budget,
      failureAnswer: this.#failureAnswer,
      stopping: this.#stopping.signal,
      log: this.#log,
      onEventStart: () => {
        this.#runningEvents += 1;
      },
      onEventEnd: () => {
        this.#runningEvents -= 1;
        this.#lastEventEndedAtMs = performance.now();
      },
      onClose: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }
}

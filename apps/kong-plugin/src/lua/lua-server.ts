import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { type BoundSocket, bindSocket, type StopOptions, untilIdle } from "@kong-serverless/plugin-server";
import { type Log, ServerlessError, sleep } from "@kong-serverless/runtime";

import { type Answer, problem } from "../answer.ts";
import type { Decision } from "../decision.ts";
import { Destination } from "../destination.ts";
import type { LuaEntities } from "./entities.ts";
import { leaseMs, type LuaGateways } from "./gateways.ts";
import { leaseKey } from "./lease-key.ts";
import { MessageFlow } from "./message-flow.ts";
import { type Question, questionSchema, reportSchema } from "./messages.ts";
import { QuestionFacts } from "./question-facts.ts";

/** A question has at most one configuration, a request's path and a few headers. */
const maxQuestionBytes = 1024 * 1024;
/** A report lists at most 50,000 backends and 10,000 entities, about 80 bytes each. */
const maxReportBytes = 8 * 1024 * 1024;
/** Longer than Kong keeps an idle connection, so that Kong closes it first. */
const keepAliveTimeoutMs = 75_000;
const socketMode = 0o660;
/** How often to check whether another server has taken over the path. */
const checkMs = 500;

export interface LuaServerOptions {
  readonly socketPath: string;
  readonly entities: LuaEntities;
  readonly gateways: LuaGateways;
  readonly log: Log;
  /**
   * Milliseconds between signs of life on a held request's connection, and for a message to arrive or an answer to be read.
   * Default 15,000: Kong waits 40 s for the next byte of an answer.
   */
  readonly heartbeatMs?: number;
  /** See `MessageFlow`. */
  readonly maxBufferedBytes?: number;
}

/**
 * Serves the Lua form of the plugin over HTTP on a unix socket: `POST /requests` decides on a request, and holds it if
 * necessary; `POST /report` receives what a gateway has in flight.
 */
export class LuaServer {
  readonly #options: LuaServerOptions;
  readonly #heartbeatMs: number;
  readonly #server: Server;
  readonly #messages: MessageFlow;
  readonly #stopping = new AbortController();
  readonly #running = new Set<AbortController>();
  #lastRequestMs = 0;
  #socket: BoundSocket | undefined;
  #checking: NodeJS.Timeout | undefined;
  /** Whether Kong should reconnect, because another server serves the path or soon will. */
  #isLeaving = false;

  constructor(options: LuaServerOptions) {
    this.#options = options;
    const { heartbeatMs = 15_000, maxBufferedBytes } = options;
    this.#heartbeatMs = heartbeatMs;
    this.#messages = new MessageFlow({
      answerMs: heartbeatMs,
      ...(maxBufferedBytes !== undefined && { maxBufferedBytes }),
    });
    this.#server = createServer(
      {
        keepAliveTimeout: keepAliveTimeoutMs,
        requestTimeout: heartbeatMs,
        headersTimeout: heartbeatMs,
        connectionsCheckingInterval: heartbeatMs / 3,
      },
      (request, response) => void this.#serve(request, response),
    );
  }

  /** Resolves once Kong can connect. Takes over the path from a running server. Fails with SOCKET_UNAVAILABLE. */
  async start(): Promise<void> {
    this.#socket = await bindSocket(this.#server, this.#options.socketPath, socketMode);
    this.#options.gateways.start();
    this.#checking = setInterval(() => void this.#checkPath(), checkMs);
  }

  /** Holds no new requests, and serves until none has come for `idleMs`. What is still held after `graceMs` is answered 503. */
  async stop(options: StopOptions): Promise<void> {
    this.#stopping.abort();
    this.#isLeaving = true;
    await untilIdle(options, () => (this.#running.size > 0 ? performance.now() : this.#lastRequestMs));
    await this.#socket?.remove();
    this.#options.gateways.stop();
    clearInterval(this.#checking);
    for (const running of this.#running) running.abort(new ServerlessError("PLUGIN_STOPPED", "stopped"));
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeIdleConnections();
    await Promise.race([closed, sleep(1000)]);
    this.#server.closeAllConnections();
  }

  async #checkPath(): Promise<void> {
    if ((await this.#socket?.isCurrent()) === false) this.#isLeaving = true;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { log } = this.#options;
    try {
      switch (`${request.method} ${request.url}`) {
        case "POST /requests": {
          const question = questionSchema.parse(await this.#messages.read(request, maxQuestionBytes));
          return await this.#decide(question, response);
        }
        case "POST /report": {
          const report = reportSchema.parse(await this.#messages.read(request, maxReportBytes));
          const { answer, passed } = this.#options.gateways.take(report);
          if (passed > 0) this.#lastRequestMs = performance.now();
          return this.#send(response, 200, answer);
        }
        default:
          return this.#send(response, 404, {});
      }
    } catch (error) {
      log.error({ error }, "message.invalid");
      if (!response.headersSent) this.#send(response, 400, {});
    }
  }

  #send(response: ServerResponse, status: number, body: object): void {
    const text = JSON.stringify(body);
    if (this.#isLeaving) response.shouldKeepAlive = false;
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    });
    this.#messages.end(response, text);
  }

  async #decide(question: Question, response: ServerResponse): Promise<void> {
    const { entities } = this.#options;
    if (question.configuration !== undefined) entities.add(question.entity, question.configuration);
    const destination = entities.find(question.entity, question.backend);
    if (destination === undefined) return this.#send(response, 409, {});
    if (!(destination instanceof Destination))
      return this.#send(response, 200, { kind: "exit", ...destination });
    if (question.unreachable === true) destination.backend.unreachable();
    const decision = await this.#run(destination, question, response);
    if (decision.kind !== "pass")
      return this.#send(response, 200, { kind: "exit", ...answerOf(decision, destination) });
    const { backend } = destination;
    backend.handOver();
    this.#send(response, 200, { ...decision, key: leaseKey(backend.settings), leaseMs: leaseMs(backend) });
  }

  async #run(destination: Destination, question: Question, response: ServerResponse): Promise<Decision> {
    const leaving = new AbortController();
    const onClose = () =>
      leaving.abort(new ServerlessError("PDK_CALL_FAILED", "Kong closed the connection."));
    const heartbeat = setInterval(() => response.writeProcessing(), this.#heartbeatMs);
    const endUse = this.#options.entities.use(question.entity);
    response.once("close", onClose);
    this.#running.add(leaving);
    try {
      return await destination.decide(
        new QuestionFacts(question, leaving.signal, this.#stopping.signal.aborted),
      );
    } catch (error) {
      this.#options.log.error({ error }, "plugin.failed");
      return {
        kind: "exit",
        answer: problem({ code: "PLUGIN_FAILED", backend: destination.backend.name, retryAfterMs: 0 }),
      };
    } finally {
      clearInterval(heartbeat);
      endUse();
      response.off("close", onClose);
      this.#running.delete(leaving);
      this.#lastRequestMs = performance.now();
    }
  }
}

function answerOf(decision: Exclude<Decision, { kind: "pass" }>, { backend }: Destination): Answer {
  if (decision.kind === "exit") return decision.answer;
  // The connection is still open, so it is the server that is stopping.
  return problem({ code: "PLUGIN_STOPPED", backend: backend.name, retryAfterMs: 0 });
}

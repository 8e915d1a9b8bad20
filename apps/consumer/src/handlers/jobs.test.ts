import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { type Job, type JobResult, jobResultSchema } from "@kong-serverless/config";
import { listen } from "@kong-serverless/runtime";
import { type HandlerContext, type Message, MessageRejectedError } from "@kong-serverless/sqs-worker";
import { RecordingLog, Script } from "@kong-serverless/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { createJobsHandler } from "./jobs.ts";

const id = "0b0f4f4e-5d0c-4b6a-9d70-1f8f3a1a1c11";
const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** Receives results and answers with scripted statuses; 0 closes the connection without an answer. */
class ResultReceiver {
  readonly requests: { readonly headers: IncomingMessage["headers"]; readonly result: JobResult }[] = [];
  readonly #statuses: Script<number>;
  readonly #server: Server;

  constructor(...statuses: [number, ...number[]]) {
    this.#statuses = new Script(statuses);
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        this.requests.push({ headers: request.headers, result: JSON.parse(body) as JobResult });
        const status = this.#statuses.next();
        if (status === 0) response.destroy();
        else response.writeHead(status, { location: "http://127.0.0.1:1/" }).end();
      });
    });
  }

  async start(): Promise<string> {
    await listen(this.#server, { host: "127.0.0.1", port: 0 });
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function message(data: unknown): Message {
  const trace = { traceparent };
  return {
    id: "m",
    idempotencyKey: "event-1",
    data,
    text: "",
    body: "",
    attributes: {},
    receiveCount: 1,
    trace,
  };
}

describe("the jobs handler", () => {
  let log: RecordingLog;
  let stop: AbortController;

  beforeEach(() => {
    log = new RecordingLog();
    stop = new AbortController();
  });
  afterEach(() => stop.abort());

  function context(): HandlerContext {
    return {
      signal: stop.signal,
      log,
      reject: (reason, cause) => {
        throw new MessageRejectedError(reason, cause);
      },
    };
  }

  function jobFor(host: string): Job {
    return { id, kind: "demo", durationMs: 5, callbackUrl: `http://${host}/jobs/${id}/result` };
  }

  async function run(receiver: ResultReceiver, extra: Partial<Message> = {}): Promise<void> {
    const host = await receiver.start();
    const handler = createJobsHandler({ callbackHosts: [host], timeoutMs: 5000, maxDurationMs: 10_000 });
    await handler({ ...message(jobFor(host)), ...extra }, context());
  }

  test("posts the result of a job, with the key and the trace of the work", async () => {
    await using receiver = new ResultReceiver(204);
    await run(receiver);
    expect(receiver.requests).toHaveLength(1);
    const { headers, result } = receiver.requests[0] ?? {};
    expect(headers).toMatchObject({ "idempotency-key": "event-1", traceparent });
    expect(jobResultSchema.parse(result)).toMatchObject({ id, status: "done" });
  });

  test.each([
    ["заказ-17", "%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7-17"],
    ["a\r\nx: y", "a%0D%0Ax:%20y"],
  ])("posts the result of a job whose key is %j", async (idempotencyKey, sent) => {
    await using receiver = new ResultReceiver(204);
    await run(receiver, { idempotencyKey });
    expect(receiver.requests.map(({ headers }) => headers["idempotency-key"])).toEqual([sent]);
  });

  test("rejects a job that takes longer than a handler may, without starting it", async () => {
    const handler = createJobsHandler({ callbackHosts: ["gateway"], timeoutMs: 5000, maxDurationMs: 10_000 });
    const job = { ...jobFor("gateway"), durationMs: 10_000 };
    await expect(handler(message(job), context())).rejects.toThrow(/durationMs: 10000 is not below/);
  });

  test("posts again when the receiver could not accept it", async () => {
    await using receiver = new ResultReceiver(503, 0, 200);
    await run(receiver);
    expect(receiver.requests).toHaveLength(3);
    expect(log.fieldsOf("callback.failed").map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  test.each([404, 400, 302])(
    "rejects the message when the receiver refuses with %i, and does not ask again",
    async (status) => {
      await using receiver = new ResultReceiver(status);
      await expect(run(receiver)).rejects.toThrow(MessageRejectedError);
      expect(receiver.requests).toHaveLength(1);
    },
  );

  test("ends with the signal's reason", async () => {
    await using receiver = new ResultReceiver(503);
    const running = run(receiver);
    stop.abort(new Error("stopping"));
    await expect(running).rejects.toThrow("stopping");
  });

  test("rejects a job for a host that is not on the list, without starting it", async () => {
    const handler = createJobsHandler({ callbackHosts: ["gateway"], timeoutMs: 5000, maxDurationMs: 10_000 });
    const job = { ...jobFor("169.254.169.254"), durationMs: 3_600_000 };
    await expect(handler(message(job), context())).rejects.toThrow(/169\.254\.169\.254.*CALLBACK_HOSTS/);
  });

  test.each([undefined, "text", {}, { id, kind: "demo", durationMs: -1 }])(
    "rejects %j, which is not a job",
    async (data) => {
      const handler = createJobsHandler({
        callbackHosts: ["gateway"],
        timeoutMs: 5000,
        maxDurationMs: 10_000,
      });
      await expect(handler(message(data), context())).rejects.toThrow(MessageRejectedError);
    },
  );
});

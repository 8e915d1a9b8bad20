import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { bundleOnce, QueueEmulator, spawnApp } from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";

const entry = await bundleOnce(join(import.meta.dirname, ".."), inject("bundleFolder"));

describe("the consumer as a process", () => {
  let emulator: QueueEmulator;
  let directory: string;

  beforeAll(async () => {
    emulator = await QueueEmulator.start();
    directory = await mkdtemp(join(tmpdir(), "consumer-"));
  });
  afterAll(async () => {
    await emulator[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  function start(queue: string, env: Record<string, string> = {}) {
    const settings = { QUEUE_NAME: queue, OPS_HOST: "127.0.0.1", OPS_PORT: "0", WAIT_SECONDS: "1" };
    return spawnApp({ entry, env: { ...emulator.env, ...settings, ...env } });
  }

  async function readiness(consumer: ReturnType<typeof start>) {
    const { port } = await consumer.waitFor("ops.listening");
    const response = await fetch(`http://127.0.0.1:${String(port)}/readyz`);
    return { status: response.status, body: (await response.json()) as { waitingFor?: string[] } };
  }

  async function writeHandler(name: string, source: string): Promise<string> {
    const path = join(directory, name);
    await writeFile(path, source);
    return path;
  }

  test("prints raw bodies and CloudEvents that came through SNS, deletes them and ends at SIGTERM", async () => {
    emulator.createQueue("printed");
    emulator.subscribe("topic", "printed");
    emulator.send("printed", "hello");
    const event = { specversion: "1.0", id: "e-1", source: "test", type: "greeting", data: { to: "you" } };
    emulator.publish("topic", JSON.stringify(event));
    await using consumer = start("printed");
    await consumer.waitFor("message.printed", { matches: ({ body }) => body === "hello" });
    await consumer.waitFor("message.printed", { matches: ({ body }) => body === '{"to":"you"}' });
    await emulator.waitForLength("printed", 0);
    expect(await readiness(consumer)).toMatchObject({ status: 200 });
    expect(await consumer.stop("SIGTERM")).toEqual({ code: 0, signal: null });
    expect(consumer.log.at(-2)).toMatchObject({ event: "worker.stopped", unfinished: 0 });
  });

  test("runs the handler in the README", async () => {
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const [, source = ""] = /^```js\n(.*?)^```$/ms.exec(readme) ?? [];
    emulator.createQueue("greetings");
    emulator.send("greetings", '{"name":"Ada"}');
    emulator.send("greetings", "{}");
    await using consumer = start("greetings", { HANDLER: await writeHandler("greet.js", source) });
    expect(await consumer.waitFor("greeted")).toMatchObject({ name: "Ada" });
    expect(await consumer.waitFor("message.failed")).toMatchObject({
      code: "MESSAGE_REJECTED",
      reason: "no name",
    });
  });

  test("serves metrics with the project's names", async () => {
    emulator.createQueue("measured");
    emulator.send("measured", "hello");
    await using consumer = start("measured");
    await consumer.waitFor("message.handled");
    const { port } = await consumer.waitFor("ops.listening");
    const metrics = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    expect(metrics).toMatch(/^serverless_consumer_handled_total 1$/m);
    expect(metrics).toMatch(/^serverless_consumer_in_progress 0$/m);
    expect(metrics).toMatch(/^serverless_consumer_oldest_seconds 0$/m);
    expect(metrics).toMatch(/^serverless_consumer_handler_seconds_count\{outcome="handled"\} 1$/m);
  });

  test("waits for a queue that does not exist yet, says so, and works as soon as it does", async () => {
    await using consumer = start("late");
    await consumer.waitFor("queue.unavailable", { matches: ({ state }) => state === "missing" });
    expect(await readiness(consumer)).toEqual({
      status: 503,
      body: { status: "not ready", waitingFor: ["queue: missing (receive)"] },
    });
    emulator.createQueue("late");
    emulator.send("late", "hello");
    await consumer.waitFor("message.handled");
    expect(consumer.log.filter(({ event }) => event === "queue.unavailable")).toHaveLength(1);
  });

  test("waits for an endpoint that does not answer, and stops cleanly in the meantime", async () => {
    await using consumer = start("any", { AWS_ENDPOINT_URL: "http://127.0.0.1:1", QUEUE_WAIT_SECONDS: "1" });
    expect(await readiness(consumer)).toMatchObject({
      body: { waitingFor: ["queue: its endpoint does not answer yet"] },
    });
    await consumer.waitFor("queue.endpoint_silent");
    await consumer.waitFor("queue.unavailable", { matches: ({ state }) => state === "unreachable" });
    expect(await consumer.stop("SIGTERM")).toEqual({ code: 0, signal: null });
  });

  test("finishes what it has started and accepts nothing new once it is told to stop", async () => {
    emulator.createQueue("finished");
    const handler = await writeHandler(
      "slow.js",
      `export const handler = async ({ body }, { log }) => {
         log.info({ body }, "handler.began");
         await new Promise((resolve) => setTimeout(resolve, 500));
       };`,
    );
    emulator.send("finished", "first");
    await using consumer = start("finished", { HANDLER: handler });
    await consumer.waitFor("handler.began");
    const stopped = consumer.stop("SIGTERM");
    await consumer.waitFor("worker.stopping");
    // The long poll in progress brings this one; it goes back at once.
    emulator.send("finished", "second");
    expect(await stopped).toEqual({ code: 0, signal: null });
    expect(consumer.log.filter(({ event }) => event === "message.handled")).toHaveLength(1);
    expect(emulator.length("finished")).toEqual({ ready: 1, inFlight: 0 });
  });

  test("gives back what does not end within the grace period", async () => {
    emulator.createQueue("returned");
    const handler = await writeHandler(
      "endless.js",
      `export const handler = (_, { log }) => {
         log.info({}, "handler.began");
         return new Promise((resolve) => setTimeout(resolve, 600_000));
       };`,
    );
    emulator.send("returned", "hello");
    await using consumer = start("returned", { HANDLER: handler, SHUTDOWN_GRACE_SECONDS: "2" });
    await consumer.waitFor("handler.began");
    expect(await consumer.stop("SIGTERM")).toEqual({ code: 0, signal: null });
    expect(emulator.length("returned")).toEqual({ ready: 1, inFlight: 0 });
  });

  test("exits at once at a second signal", async () => {
    emulator.createQueue("killed");
    const handler = await writeHandler(
      "stuck.js",
      `export const handler = (_, { log }) => {
         log.info({}, "handler.began");
         return new Promise((resolve) => setTimeout(resolve, 600_000));
       };`,
    );
    emulator.send("killed", "hello");
    await using consumer = start("killed", { HANDLER: handler });
    await consumer.waitFor("handler.began");
    const stopped = consumer.stop("SIGTERM");
    await consumer.waitFor("worker.stopping");
    void consumer.stop("SIGINT");
    expect(await stopped).toEqual({ code: 1, signal: null });
  });

  test("exits by itself after as many messages as it was told to handle", async () => {
    emulator.createQueue("shared");
    for (const body of ["a", "b", "c"]) emulator.send("shared", body);
    await using consumer = start("shared", { MAX_MESSAGES: "2" });
    expect(await consumer.exited).toEqual({ code: 0, signal: null });
    expect(emulator.length("shared")).toEqual({ ready: 1, inFlight: 0 });
  });

  test("sends what a handler rejects to the dead-letter queue, with the reason in the log", async () => {
    emulator.createQueue("poisoned", { maxReceiveCount: 3 });
    const CALLBACK_HOSTS = "127.0.0.1";
    await using consumer = start("poisoned", { HANDLER: "jobs", CALLBACK_HOSTS });
    emulator.send("poisoned", "no job at all");
    const lettered = await consumer.waitFor("message.dead_lettered");
    expect(lettered).toMatchObject({ code: "MESSAGE_REJECTED", receiveCount: 3 });
    expect(lettered["reason"]).toContain("The job is not valid");
    await emulator.waitForLength("poisoned-dead", 1);
    await emulator.waitForLength("poisoned", 0);
  });

  /** Twenty messages, of which one makes the handler do `misdeed`; with a dead-letter queue after two receives. */
  async function poison(name: string, misdeed: string, env: Record<string, string> = {}) {
    emulator.createQueue(name, { maxReceiveCount: 2 });
    const handler = await writeHandler(
      `${name}.js`,
      `export const handler = async ({ body }) => {
           if (body === "poison") { ${misdeed} }
           await new Promise((resolve) => setTimeout(resolve, 50));
         };`,
    );
    for (let sent = 0; sent < 10; sent += 1) emulator.send(name, `sound ${sent}`);
    emulator.send(name, "poison");
    for (let sent = 10; sent < 19; sent += 1) emulator.send(name, `sound ${sent}`);
    const consumer = start(name, { HANDLER: handler, RETRY_SECONDS: "0", CONCURRENCY: "20", ...env });
    return consumer;
  }

  describe("whose handler misbehaves", () => {
    test.each([
      ["floats", `void Promise.reject(new Error("floating")); return new Promise(() => {});`],
      ["later", `setTimeout(() => { throw new Error("late"); }, 5); return new Promise(() => {});`],
      ["odd", `void Promise.reject(Object.create(null)); return new Promise(() => {});`],
    ])("fails its message when an error escapes (%s), and handles the others", async (name, misdeed) => {
      await using consumer = await poison(`escape-${name}`, misdeed);
      await consumer.waitFor("message.dead_lettered");
      await emulator.waitForLength(`escape-${name}`, 0);
      expect(emulator.bodies(`escape-${name}-dead`)).toEqual(["poison"]);
      expect(consumer.log.filter(({ event }) => event === "message.handled")).toHaveLength(19);
      const escaped = await consumer.waitFor("handler.error_escaped");
      const failed = await consumer.waitFor("message.failed");
      expect(escaped["messageId"]).toBe(failed["messageId"]);
      expect(await consumer.stop("SIGTERM")).toEqual({ code: 0, signal: null });
    });

    test("fails its message when its thread exits or blocks for good, and handles the others", async () => {
      const env = { HANDLER_ISOLATION: "thread", HANDLER_TIMEOUT_SECONDS: "1", CONCURRENCY: "4" };
      for (const [name, misdeed, code] of [
        ["exits", "process.exit(1);", "HANDLER_CRASHED"],
        ["spins", "for (;;) ;", "HANDLER_TIMEOUT"],
      ] as const) {
        await using consumer = await poison(name, misdeed, env);
        await consumer.waitFor("message.dead_lettered", { matches: (line) => line["code"] === code });
        await emulator.waitForLength(name, 0);
        expect(emulator.bodies(`${name}-dead`)).toEqual(["poison"]);
        expect(await consumer.stop("SIGTERM")).toEqual({ code: 0, signal: null });
      }
    });

    test("asks to be restarted once every slot has a handler that never ends", async () => {
      emulator.createQueue("stuck");
      const handler = await writeHandler(
        "stuck-slots.js",
        "export const handler = () => new Promise(() => {});",
      );
      for (const body of ["a", "b"]) emulator.send("stuck", body);
      await using consumer = start("stuck", {
        HANDLER: handler,
        CONCURRENCY: "2",
        HANDLER_TIMEOUT_SECONDS: "1",
      });
      const { port } = await consumer.waitFor("ops.listening");
      const healthz = () => fetch(`http://127.0.0.1:${String(port)}/healthz`);
      expect((await healthz()).status).toBe(200);
      await consumer.waitFor("handler.abandoned", { matches: ({ abandoned }) => abandoned === 2 });
      expect((await healthz()).status).toBe(503);
      const metrics = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
      expect(metrics).toMatch(/^serverless_consumer_handlers_abandoned [2-4]$/m);
      expect(metrics).toMatch(/^serverless_consumer_failed_total\{code="HANDLER_TIMEOUT"\} [2-4]$/m);
    });
  });

  test("takes the region from the queue's URL and says so", async () => {
    emulator.createQueue("regional");
    emulator.send("regional", "hello");
    const QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/000000000000/regional";
    await using consumer = start("", { QUEUE_URL, QUEUE_NAME: "" });
    expect(await consumer.waitFor("queue.region_taken_from_url")).toMatchObject({
      region: "us-east-1",
      ignoredRegion: "eu-west-1",
    });
  });

  describe("refuses to start, with one clear message,", () => {
    const refusals: [string, Record<string, string>, string][] = [
      ["without a queue", { QUEUE_NAME: "" }, "QUEUE_NAME: missing"],
      [
        "with a handler that is not there",
        { HANDLER: "./nowhere.js" },
        'HANDLER: found "./nowhere.js"; the module cannot be loaded',
      ],
      ["with a handler of no known kind", { HANDLER: "print" }, 'HANDLER: found "print"; expected log, jobs'],
      ["with a FIFO queue", { QUEUE_NAME: "x.fifo" }, "a FIFO queue"],
    ];
    test.each(refusals)("%s", async (_, env, complaint) => {
      await using consumer = start("any", env);
      expect(await consumer.exited).toEqual({ code: 1, signal: null });
      expect(consumer.output).toContain(complaint);
      expect(consumer.output).not.toContain("    at ");
    });
  });
});

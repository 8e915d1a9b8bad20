import { once } from "node:events";
import { connect } from "node:net";

import {
  type DemoBackendEnvironment,
  type Job,
  jobSchema,
  readDemoBackendEnvironment,
} from "@kong-serverless/config";
import { PublishError } from "@kong-serverless/dapr-publisher";
import { type Log, ServerlessError, silentLog } from "@kong-serverless/runtime";
import { RecordingPublisher, ScriptedSidecar } from "@kong-serverless/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";

import { type DemoBackend, start as startBackend } from "./app.ts";

const running: DemoBackend[] = [];

async function start(
  settings: Partial<DemoBackendEnvironment> = {},
  publisher = new RecordingPublisher(),
  log: Log = silentLog,
): Promise<{ url: string; backend: DemoBackend; publisher: RecordingPublisher }> {
  const backend = await startBackend(
    {
      ...readDemoBackendEnvironment({ GATEWAY_URL: "http://gateway:8000" }),
      HOST: "127.0.0.1",
      PORT: 0,
      SIDECAR_WAIT_SECONDS: 0,
      SHUTDOWN_GRACE_SECONDS: 0,
      ...settings,
    },
    log,
    publisher,
  );
  running.push(backend);
  return { url: `http://127.0.0.1:${backend.port}`, backend, publisher };
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((backend) => backend.stop()));
});

const post = (url: string, body?: unknown) =>
  fetch(url, { method: "POST", ...(body !== undefined && { body: JSON.stringify(body) }) });

describe("readiness", () => {
  test("fails until the start-up time has passed, and says for how long", async () => {
    const { url } = await start({ STARTUP_DELAY_MS: 60_000 });
    const response = await fetch(`${url}/healthz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      status: "not ready",
      waitingFor: [expect.stringMatching(/^start-up, \d+ ms left$/)],
    });
  });

  test("passes after the start-up time", async () => {
    const { url } = await start({ STARTUP_DELAY_MS: 50 });
    await vi.waitFor(async () => expect((await fetch(`${url}/healthz`)).status).toBe(200), { timeout: 5000 });
  });

  test("does not wait for the sidecar, but shows when it is there", async () => {
    await using sidecar = await new ScriptedSidecar().start();
    await sidecar.stop();
    const { url } = await start({ daprEndpoint: sidecar.url, SIDECAR_WAIT_SECONDS: 60 });
    const readiness = async () => {
      const response = await fetch(`${url}/healthz`);
      return { status: response.status, body: await response.json() };
    };
    expect(await readiness()).toMatchObject({ status: 200, body: { waitingFor: [], sidecar: "waiting" } });
    await sidecar.start();
    await vi.waitFor(async () => expect(await readiness()).toMatchObject({ body: { sidecar: "ready" } }), {
      timeout: 5000,
    });
  });

  test("shows a sidecar as missing once its deadline has passed", async () => {
    await using sidecar = await new ScriptedSidecar().start();
    await sidecar.stop();
    const { url } = await start({ daprEndpoint: sidecar.url, SIDECAR_WAIT_SECONDS: 1 });
    await vi.waitFor(
      async () => expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ sidecar: "missing" }),
      { timeout: 5000 },
    );
  });
});

describe("demo routes", () => {
  test("/ says who answered and which headers the gateway added, and shows no other headers", async () => {
    const { url } = await start();
    const response = await fetch(url, { headers: { "x-serverless-test": "1", cookie: "secret" } });
    const answer = (await response.json()) as { request: { headers: Record<string, string> } };
    expect(answer).toMatchObject({
      answeredBy: { pid: process.pid, hostname: expect.any(String), startedAt: expect.any(String) },
      request: { headers: { "x-serverless-test": "1" } },
    });
    expect(answer.request.headers).not.toHaveProperty("cookie");
  });

  test("/chain says who answered here and in the next service, and 502 when nobody did", async () => {
    const { url: nextUrl, backend: next } = await start();
    const { url } = await start({ NEXT_URL: nextUrl });
    const response = await fetch(`${url}/chain`);
    const self = expect.objectContaining({ pid: process.pid }) as unknown;
    expect(await response.json()).toMatchObject({ answeredBy: self, next: { answeredBy: self } });
    await next.stop();
    const refused = await fetch(`${url}/chain`);
    expect(refused.status).toBe(502);
    expect(await refused.json()).toMatchObject({ detail: expect.stringContaining(nextUrl) as unknown });
    expect((await fetch(`${(await start()).url}/chain`)).status).toBe(404);
  });

  test("/slow answers after the time asked for", async () => {
    const { url } = await start();
    expect(await (await fetch(`${url}/slow?ms=20`)).json()).toMatchObject({ sleptMs: 20 });
  });

  test.each(["/slow?ms=30001", "/slow?ms=-1", "/slow?ms=soon", "/stream?chunks=0", "/stream?intervalMs=1e9"])(
    "%s is refused with what is allowed",
    async (path) => {
      const { url } = await start();
      const response = await fetch(url + path);
      expect(response.status).toBe(400);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      expect(await response.json()).toMatchObject({ status: 400, code: "REQUEST_INVALID" });
    },
  );

  test("/stream sends each chunk as it comes, not all at the end", async () => {
    const { url } = await start();
    const { body } = await fetch(`${url}/stream?chunks=100&intervalMs=5000`);
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toMatch(/^chunk 1 of 100/);
    await reader?.cancel();
  });

  test.each(["/slow?ms=30000", "/stream?chunks=100&intervalMs=5000"])(
    "%s ends without an error when its client leaves",
    async (path) => {
      const error = vi.fn<Log["error"]>();
      const printed = [vi.spyOn(console, "error"), vi.spyOn(console, "info")];
      const { url, backend } = await start({ SHUTDOWN_GRACE_SECONDS: 30 }, undefined, {
        ...silentLog,
        error,
      });
      const client = connect(Number(new URL(url).port), "127.0.0.1");
      // Both requests arrive in one piece, so the first answer says that the second request is there.
      client.write(["/healthz", path].map((asked) => `GET ${asked} HTTP/1.1\r\nhost: demo\r\n\r\n`).join(""));
      await once(client, "data");
      client.destroy();
      // Long before the answer would have been complete.
      await backend.stop();
      expect(error).not.toHaveBeenCalled();
      for (const print of printed) expect(print).not.toHaveBeenCalled();
    },
  );

  test("an upload that its client breaks off is not an error", async () => {
    const error = vi.fn<Log["error"]>();
    const { url, backend, publisher } = await start({ SHUTDOWN_GRACE_SECONDS: 30 }, undefined, {
      ...silentLog,
      error,
    });
    const client = connect(Number(new URL(url).port), "127.0.0.1");
    client.write("GET /healthz HTTP/1.1\r\nhost: demo\r\n\r\n");
    client.write("POST /jobs HTTP/1.1\r\nhost: demo\r\ncontent-length: 100\r\n\r\n{");
    await once(client, "data");
    client.destroy();
    await backend.stop();
    expect(error).not.toHaveBeenCalled();
    expect(publisher.messages).toEqual([]);
  });

  test("/stream ends after the last chunk", async () => {
    const { url } = await start();
    const text = await (await fetch(`${url}/stream?chunks=3&intervalMs=1`)).text();
    expect(text.match(/^chunk \d of 3/gm)).toEqual(["chunk 1 of 3", "chunk 2 of 3", "chunk 3 of 3"]);
  });

  test("/ws answers each message with itself, text and bytes", async () => {
    const { url } = await start();
    const socket = new WebSocket(`${url.replace("http", "ws")}/ws`);
    const received: [string, boolean][] = [];
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("open", () => {
        socket.send("hello");
        socket.send(Buffer.from("bytes"));
      });
      socket.on("message", (data: Buffer, isBinary) => {
        received.push([data.toString(), isBinary]);
        if (received.length === 2) resolve();
      });
    });
    expect(received).toEqual([
      ["hello", false],
      ["bytes", true],
    ]);
    socket.terminate();
  });

  test("a path or upgrade that does not exist is a 404 with a problem", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/nothing`);
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const status = await new Promise((resolve) => {
      const socket = new WebSocket(`${url.replace("http", "ws")}/nothing`);
      socket.on("unexpected-response", (_, answer) => resolve(answer.statusCode));
      socket.on("error", resolve);
    });
    expect(status).not.toBe(101);
  });
});

describe("jobs", () => {
  const id = "0b0f4f4e-5d0c-4b6a-9d70-1f8f3a1a1c11";
  const result = {
    id,
    status: "done",
    handledBy: "consumer-1",
    startedAt: "2026-11-23T14:00:00.000Z",
    finishedAt: "2026-11-23T14:00:01.000Z",
  };

  test("POST /jobs publishes a job that the consumer understands and says where to look for it", async () => {
    const { url, publisher } = await start();
    const response = await post(`${url}/jobs`, { durationMs: 5 });
    expect(response.status).toBe(202);
    const { ids } = (await response.json()) as { ids: string[] };
    expect(response.headers.get("location")).toBe(`/jobs/${ids[0]}`);
    expect(publisher.messages).toMatchObject([{ pubsub: "kong-serverless-pubsub", topic: "jobs" }]);
    expect(jobSchema.parse(publisher.messages[0]?.data)).toEqual({
      id: ids[0],
      kind: "demo",
      durationMs: 5,
      callbackUrl: `http://gateway:8000/jobs/${ids[0]}/result`,
    });
    expect(await (await fetch(`${url}/jobs/${ids[0]}`)).json()).toEqual({
      id: ids[0],
      state: "queued",
      durationMs: 5,
    });
  });

  test("POST /jobs without a body accepts one job of a second", async () => {
    const { url, publisher } = await start();
    expect((await post(`${url}/jobs`)).status).toBe(202);
    expect(publisher.messages).toMatchObject([{ data: { durationMs: 1000 } }]);
  });

  test("POST /jobs accepts many at once", async () => {
    const { url, publisher } = await start();
    const response = await post(`${url}/jobs`, { count: 100 });
    expect(response.headers.get("location")).toBe("/jobs");
    const ids = publisher.messages.map(({ data }) => (data as Job).id);
    expect(new Set(ids).size).toBe(100);
    expect(await (await fetch(`${url}/jobs`)).json()).toMatchObject({ jobs: { queued: 100, done: 0 } });
  });

  test("POST /jobs refuses jobs that would crowd out other submitters, and still accepts theirs", async () => {
    const { url, publisher } = await start();
    const long = await post(`${url}/jobs`, { count: 100, durationMs: 3_600_000 });
    expect(long.status).toBe(400);
    expect((await post(`${url}/jobs`, { count: 2, durationMs: 60_000 })).status).toBe(202);
    const more = await post(`${url}/jobs`, { durationMs: 0 });
    expect(more.status).toBe(429);
    expect(more.headers.get("retry-after")).toBe("5");
    expect(await more.json()).toMatchObject({ code: "JOBS_LIMIT_REACHED" });
    const other = await fetch(`${url}/jobs`, { method: "POST", headers: { "x-real-ip": "192.0.2.7" } });
    expect(other.status).toBe(202);
    expect(publisher.messages).toHaveLength(3);
  });

  test("POST /jobs publishes all but the first few jobs of a submitter to the bulk topic", async () => {
    const { url, publisher } = await start({ BULK_JOBS_TOPIC: "jobs-bulk", JOBS_PROMPT_SECONDS: 2 });
    const topics = () => publisher.messages.splice(0).map(({ topic }) => topic);
    await post(`${url}/jobs`, { count: 4, durationMs: 1000 });
    expect(topics()).toEqual(["jobs", "jobs", "jobs-bulk", "jobs-bulk"]);
    await fetch(`${url}/jobs`, { method: "POST", headers: { "x-real-ip": "192.0.2.7" } });
    expect(topics()).toEqual(["jobs"]);
  });

  test("the first result of a job stays, however often the job is done", async () => {
    const { url } = await start();
    await post(`${url}/jobs/${id}/result`, result);
    const again = { ...result, handledBy: "consumer-2" };
    expect((await post(`${url}/jobs/${id}/result`, again)).status).toBe(204);
    expect(await (await fetch(`${url}/jobs/${id}`)).json()).toMatchObject({
      result: { handledBy: "consumer-1" },
    });
  });

  test.each([
    ["too many", '{"count":101}'],
    ["an unknown field", '{"size":1}'],
    ["no JSON", "{"],
    ["no object", '"job"'],
  ])("POST /jobs refuses %s", async (_, body) => {
    const { url, publisher } = await start();
    const response = await fetch(`${url}/jobs`, { method: "POST", body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "REQUEST_INVALID" });
    expect(publisher.messages).toEqual([]);
  });

  test("POST /jobs refuses a body beyond its limit", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/jobs`, { method: "POST", body: "x".repeat(20_000) });
    expect(response.status).toBe(413);
  });

  test("POST /jobs answers 503 with the publisher's code when the sidecar is not there", async () => {
    const publisher = new RecordingPublisher(new PublishError("SIDECAR_UNAVAILABLE", "nobody listens"));
    const { url } = await start({}, publisher);
    const response = await post(`${url}/jobs`, { count: 2 });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await response.json()).toMatchObject({
      code: "SIDECAR_UNAVAILABLE",
      detail: "2 of 2 jobs were not accepted. nobody listens",
      ids: [],
    });
    expect(await (await fetch(`${url}/jobs`)).json()).toMatchObject({ jobs: { queued: 0 } });
  });

  test("POST /jobs names the jobs that were accepted when others were not", async () => {
    const publisher = new RecordingPublisher("published", new PublishError("PUBLISH_FAILED", "no broker"));
    const { url } = await start({}, publisher);
    const answer = (await (await post(`${url}/jobs`, { count: 3 })).json()) as { ids: string[] };
    expect(answer.ids).toHaveLength(1);
    expect((await fetch(`${url}/jobs/${answer.ids[0]}`)).status).toBe(200);
  });

  test("a result is shown with its job, even on a replica that did not accept the job, and may come twice", async () => {
    const { url } = await start();
    expect((await post(`${url}/jobs/${id}/result`, result)).status).toBe(204);
    expect((await post(`${url}/jobs/${id}/result`, result)).status).toBe(204);
    expect(await (await fetch(`${url}/jobs/${id}`)).json()).toEqual({ id, state: "done", result });
    expect(await (await fetch(`${url}/jobs`)).json()).toMatchObject({ jobs: { queued: 0, done: 1 } });
  });

  test("a result for another job than the path's is refused", async () => {
    const { url } = await start();
    const response = await post(`${url}/jobs/2b0f4f4e-5d0c-4b6a-9d70-1f8f3a1a1c11/result`, result);
    expect(response.status).toBe(400);
  });

  test("an unknown job is a 404 that says where results live", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/jobs/${id}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: "NOT_FOUND",
      detail: expect.stringContaining("live in the memory of the replica"),
    });
  });
});

describe("start and stop", () => {
  test("fails to start on a port that is taken, and names it", async () => {
    const { url } = await start();
    const PORT = Number(new URL(url).port);
    const failure = start({ PORT }).catch((error: unknown) => error);
    expect(await failure).toBeInstanceOf(ServerlessError);
    expect(await failure).toMatchObject({ code: "PORT_UNAVAILABLE" });
  });

  test("fails readiness at once, and takes requests a moment longer", async () => {
    const { url, backend } = await start();
    const stopped = backend.stop();
    expect((await fetch(`${url}/healthz`)).status).toBe(503);
    expect((await fetch(url)).status).toBe(200);
    await stopped;
  });

  test("lets an open request end before it stops, on a connection that is then closed", async () => {
    const { url, backend, publisher } = await start({ SHUTDOWN_GRACE_SECONDS: 30 });
    const response = await fetch(`${url}/stream?chunks=3&intervalMs=50`);
    const stopping = backend.stop();
    expect((await response.text()).match(/chunk/g)).toHaveLength(3);
    await stopping;
    expect(publisher.isStopped).toBe(true);
  });

  test("cuts what is still open when the grace time is over", async () => {
    const { url, backend } = await start({ SHUTDOWN_GRACE_SECONDS: 0 });
    const response = await fetch(`${url}/stream?chunks=100&intervalMs=5000`);
    await backend.stop();
    await expect(response.text()).rejects.toThrow("terminated");
  });

  test("cuts a WebSocket whose client stays", async () => {
    const { url, backend } = await start({ SHUTDOWN_GRACE_SECONDS: 0 });
    const client = connect(Number(new URL(url).port), "127.0.0.1");
    client.write(
      [
        "GET /ws HTTP/1.1",
        "host: demo",
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: c2l4dGVlbiBieXRlcyEhIQ==",
        "\r\n",
      ].join("\r\n"),
    );
    const [answer] = (await once(client, "data")) as [Buffer];
    expect(answer.toString()).toContain("101 Switching Protocols");
    client.on("error", () => {});
    await backend.stop();
    client.destroy();
  });

  test("tells WebSocket clients that it is going away", async () => {
    const { url, backend } = await start({ SHUTDOWN_GRACE_SECONDS: 30 });
    const socket = new WebSocket(`${url.replace("http", "ws")}/ws`);
    await new Promise((resolve) => socket.on("open", resolve));
    const code = new Promise((resolve) => socket.on("close", resolve));
    await backend.stop();
    expect(await code).toBe(1001);
  });
});

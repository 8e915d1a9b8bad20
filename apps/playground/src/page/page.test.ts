import { request as httpRequest } from "node:http";

import { describe, expect, it } from "vitest";

import type { ActionName } from "./messages.ts";
import { Page } from "./page.ts";
import { openStage } from "./testing/stage.ts";
import { Tab } from "./testing/tab.ts";

interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** A request whose Host and Origin can be chosen, which `fetch` does not allow. */
async function ask(
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
) {
  const { promise, resolve, reject } = Promise.withResolvers<PageAnswer>();
  const { method = "GET", headers = {}, body = "" } = init;
  const request = httpRequest(url, { method, headers, agent: false }, (response) => {
    let text = "";
    response.on("data", (chunk: Buffer) => (text += chunk.toString()));
    response.on("end", () =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
    );
  });
  request.on("error", reject);
  request.end(body);
  return promise;
}

const demo = { backend: "demo-backend", worker: "consumer" };

function press({ url }: Page, name: ActionName | "nonsense", body: unknown = {}) {
  return ask(`${url}/actions/${name}`, {
    method: "POST",
    headers: { origin: url, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

describe("the page", () => {
  it("serves its files unchanged, with a policy that allows nothing else", async () => {
    const { page } = await openStage();
    const { status, headers, body } = await ask(`${page.url}/`);
    expect(status).toBe(200);
    expect(body).toContain("<title>kong-serverless playground</title>");
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; script-src 'self' 'sha256-[^']+'; style-src 'self'.*frame-ancestors 'none'$/,
    );
    expect(headers).not.toHaveProperty("access-control-allow-origin");
    const paths = [...body.matchAll(/(?:src|href|"uplot")(?:=|: )"(\/[^"]+)"/g)].map(([, path]) => path);
    expect(paths).toContain("/main.js");
    for (const path of paths) expect(await ask(`${page.url}${path}`)).toMatchObject({ status: 200 });
    expect(await ask(`${page.url}/tsconfig.json`)).toMatchObject({ status: 404 });
  });

  it("names a busy port and the flag that changes it", async () => {
    const { page } = await openStage();
    const port = Number(new URL(page.url).port);
    await expect(openStage({ port })).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use by another process. Choose another with --page-port.`,
    );
  });

  it.each([
    ["a foreign host name that resolves to this machine", { host: "evil.example:80" }],
    ["this machine's name with a different port", { host: "127.0.0.1:1" }],
    ["another site's page", { origin: "http://evil.example" }],
    ["a page without an origin", { origin: "null" }],
    ["another server on this machine", { origin: "http://127.0.0.1:1" }],
  ])("refuses requests of %s", async (_, headers) => {
    const { page, gateway } = await openStage();
    for (const path of ["/", "/events"]) {
      expect(await ask(`${page.url}${path}`, { headers })).toMatchObject({ status: 403 });
    }
    const action = {
      method: "POST",
      headers: { origin: page.url, "content-type": "application/json", ...headers },
      body: "{}",
    };
    expect(await ask(`${page.url}/actions/request`, action)).toMatchObject({ status: 403 });
    expect(gateway.requests).toEqual([]);
  });

  it("also answers as localhost", async () => {
    const { page } = await openStage();
    const host = `localhost:${new URL(page.url).port}`;
    expect(await ask(`${page.url}/`, { headers: { host } })).toMatchObject({ status: 200 });
    const headers = { host, origin: `http://${host}`, "content-type": "application/json" };
    const action = { method: "POST", headers, body: '{"target":"web"}' };
    expect(await ask(`${page.url}/actions/kill`, action)).toMatchObject({ status: 409 });
  });

  it("does nothing for a request without an origin, a form, a malformed body, or an unknown button", async () => {
    const { page, gateway } = await openStage();
    const json = { "content-type": "application/json" };
    const post = (headers: Record<string, string>, body: string) =>
      ask(`${page.url}/actions/request`, { method: "POST", headers, body });
    expect(await post(json, "{}")).toMatchObject({ status: 403 });
    expect(await post({ origin: page.url, "content-type": "text/plain" }, "{}")).toMatchObject({
      status: 400,
    });
    expect(await post({ origin: page.url, ...json }, "{")).toMatchObject({ status: 400 });
    expect(await post({ origin: page.url, ...json }, '{"count":1}')).toMatchObject({ status: 400 });
    expect(await post({ origin: page.url, ...json }, " ".repeat(2000))).toMatchObject({ status: 413 });
    expect(await press(page, "nonsense")).toMatchObject({ status: 404 });
    expect(await ask(`${page.url}/actions/request`)).toMatchObject({ status: 404 });
    expect(gateway.requests).toEqual([]);
  });
});

describe("a tab", () => {
  it("learns the command that starts the playground again at the same address", async () => {
    const { page } = await openStage();
    const tab = await Tab.open(page.url);
    const port = new URL(page.url).port;
    await expect
      .poll(() => tab.all("snapshot")[0]?.startCommand)
      .toBe(`npx -y pnpm demo --page-port ${port}`);
  });

  it("follows a cold start from its first steps to its answer", async () => {
    const { page, journal } = await openStage();
    const tab = await Tab.open(page.url);
    const gateway = (event: string, more = {}) =>
      journal.record("gateway", event, { request: "a", service: "web", ...more });
    gateway("request.arrived");
    journal.record("plugin", "activation.started", { backend: "web" });
    const seen = () => tab.all("cold-start").map(({ state, timeline }) => [state, timeline.at(-1)?.event]);
    await expect.poll(seen).toEqual([["running", "held"]]);
    journal.record("autoscaler", "replicas.changed", { target: "web", from: 0, to: 1, by: "keda" });
    await expect.poll(seen).toHaveLength(2);
    gateway("request.answered", { status: 503 });
    await expect.poll(seen).toEqual([
      ["running", "held"],
      ["running", "scaled 0 -> 1"],
      ["running", "answered"],
      ["failed", "answered"],
    ]);
  });

  it("gets a snapshot first, then changes", async () => {
    const { page, journal, world, pluginServer } = await openStage();
    journal.record("autoscaler", "replicas.changed", { target: "web", from: 0, to: 1, by: "keda" }, 5);
    const tab = await Tab.open(page.url);
    await expect
      .poll(() => tab.told[0])
      .toMatchObject({
        name: "snapshot",
        data: {
          now: {
            sidecar: { description: "a fake", isRunning: true },
            targets: [
              { name: "web", backend: { state: "cold", held: 0 } },
              { name: "worker", replicas: 0 },
            ],
          },
          news: [{ atMs: 5, text: "KEDA scales web from 0 to 1." }],
          coldStarts: [],
        },
      });
    expect(tab.all("snapshot")[0]?.samples.length).toBeGreaterThan(0);
    const latest = () => tab.all("now").at(-1)?.targets[0];
    const gatewayTells = (event: string, more = {}) =>
      journal.record("gateway", event, { request: "a", service: "web", ...more });

    gatewayTells("request.arrived");
    journal.record("plugin", "activation.started", { backend: "web" });
    await expect.poll(latest).toMatchObject({ backend: { state: "activating", held: 1, inFlight: 0 } });

    world.replicas = 1;
    world.pods = 1;
    pluginServer.leaseSeconds = 1.5;
    journal.record(
      "plugin",
      "activation.ready",
      { backend: "web", probes: 9, waitedMs: 900, held: 1 },
      Date.now() + 900,
    );
    gatewayTells("request.proxied");
    await expect.poll(latest).toMatchObject({
      backend: { state: "ready", leaseLeftMs: 1500, held: 0, inFlight: 1 },
      replicas: 1,
      readyPods: 1,
    });

    gatewayTells("request.answered", { status: 200 });
    await expect.poll(latest).toMatchObject({ backend: { inFlight: 0 } });
    expect(tab.all("cold-start").at(-1)).toMatchObject({ target: "web", state: "answered" });
    expect(tab.all("news").at(-1)).toMatchObject({ tone: "good" });
    expect(tab.all("news").at(-1)).not.toHaveProperty("outcomeOf");
    await expect.poll(() => tab.all("sample").some(({ held }) => held[0] === 1)).toBe(true);
    expect(tab.all("snapshot")).toHaveLength(1);
  });

  it("shows queues as the autoscaler found them", async () => {
    const { page, journal } = await openStage();
    const tab = await Tab.open(page.url);
    const polled = (type: string, value: number) =>
      journal.record("autoscaler", "trigger.polled", { target: "worker", trigger: type, type, value });
    polled("aws-sqs-queue", 7);
    polled("metrics-api", 100);
    await expect.poll(() => tab.all("now").at(-1)?.targets[1]?.queueLength).toBe(7);
  });

  it("gets what the others get", async () => {
    const { page, journal } = await openStage();
    const tabs = await Promise.all([Tab.open(page.url), Tab.open(page.url), Tab.open(page.url)]);
    journal.record("kubelet", "pod.ready", { target: "web", pod: "web-1" });
    for (const tab of tabs) {
      await expect.poll(() => tab.all("news").map(({ text }) => text)).toEqual(["web-1 is ready."]);
    }
  });

  it("learns at once when the page stops", async () => {
    const { page } = await openStage();
    const tab = await Tab.open(page.url);
    await page.stop();
    await expect(tab.ended).resolves.toBeUndefined();
    await expect(ask(`${page.url}/`)).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe("a button", () => {
  it.each([
    ["request", 1, { method: "GET", path: "/", body: "" }, /^The request was answered 200 after /],
    ["burst", 50, { method: "GET", path: "/slow?ms=1000", body: "" }, /^50 of 50 requests were answered 200/],
    [
      "jobs",
      1,
      { method: "POST", path: "/jobs", body: '{"count":20,"durationMs":1000}' },
      /^POST \/jobs was answered 200/,
    ],
  ] as const)("sends through the gateway: %s", async (name, count, sent, outcome) => {
    const { page, gateway } = await openStage(demo);
    const tab = await Tab.open(page.url);
    expect(await press(page, name)).toMatchObject({ status: 202 });
    await expect
      .poll(() => tab.all("news"))
      .toMatchObject([{ text: expect.stringMatching(outcome) as string, tone: "good", outcomeOf: name }]);
    expect(gateway.requests).toEqual(Array(count).fill(sent));
  });

  it("reports an answer that is not a success", async () => {
    const { page, gateway } = await openStage();
    const tab = await Tab.open(page.url);
    gateway.behaviour.status = 503;
    await press(page, "request");
    await expect.poll(() => tab.all("news")).toMatchObject([{ tone: "bad" }]);
    expect(tab.all("news")[0]?.text).toContain("answered 503");
  });

  it("keeps a WebSocket open for the given time", async () => {
    const { page } = await openStage({ ...demo, socketMs: 300 });
    const tab = await Tab.open(page.url);
    expect(await press(page, "websocket")).toMatchObject({ status: 202 });
    await expect.poll(() => tab.all("news")).toMatchObject([{ tone: "good" }]);
    expect(tab.all("news")[0]?.text).toMatch(/The WebSocket was open .*; 1 messages came back/);
  });

  it("kills a replica of the named backend, if there is one", async () => {
    const { page, world } = await openStage();
    expect(await press(page, "kill", { target: "web" })).toMatchObject({
      status: 409,
      body: '{"message":"web has no replica to kill."}',
    });
    expect(await press(page, "kill", { target: "nobody" })).toMatchObject({ status: 404 });
    world.pods = 1;
    expect(await press(page, "kill", { target: "web" })).toMatchObject({
      status: 202,
      body: '{"message":"web-1 was sent SIGKILL."}',
    });
    expect(world.killed).toBe(1);
  });

  it("is refused with the reason if it cannot work with the manifests", async () => {
    const { page, gateway } = await openStage();
    const reason = "Only demo-backend can do this, and it is not played.";
    for (const name of ["burst", "jobs", "websocket"] as const) {
      expect(await press(page, name)).toMatchObject({
        status: 409,
        body: JSON.stringify({ message: reason }),
      });
    }
    expect(gateway.requests).toEqual([]);
    const tab = await Tab.open(page.url);
    await expect
      .poll(() => tab.all("snapshot")[0]?.unavailable)
      .toEqual({ burst: reason, jobs: reason, websocket: reason });
    const withoutWorker = await openStage({ backend: "demo-backend" });
    expect(await press(withoutWorker.page, "jobs")).toMatchObject({
      status: 409,
      body: '{"message":"There is no consumer to work on jobs."}',
    });
  });

  it("stops the sidecar, and starts it again", async () => {
    const { page, world } = await openStage();
    const tab = await Tab.open(page.url);
    const isShownRunning = () => tab.all("now").at(-1)?.sidecar.isRunning;
    expect(await press(page, "sidecar")).toMatchObject({ body: '{"message":"The sidecar was stopped."}' });
    await expect.poll(isShownRunning).toBe(false);
    expect(await press(page, "sidecar")).toMatchObject({ body: '{"message":"The sidecar was started."}' });
    await expect.poll(isShownRunning).toBe(true);
    expect(world.isSidecarRunning).toBe(true);
  });

  it("is refused while too much is under way, which ends with the page", async () => {
    const { page, gateway } = await openStage();
    gateway.behaviour.isSilent = true;
    const answers = [];
    for (let count = 0; count < 17; count += 1) answers.push((await press(page, "request")).status);
    expect(answers).toEqual([...Array<number>(16).fill(202), 429]);
    await page.stop();
  });
});

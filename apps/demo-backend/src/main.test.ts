import { fileURLToPath } from "node:url";

import { bundleApp, type BundledApp, ScriptedSidecar, spawnApp } from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const env = { HOST: "127.0.0.1", PORT: "0", GATEWAY_URL: "http://127.0.0.1:1" };
let bundle: BundledApp;

beforeAll(async () => {
  bundle = await bundleApp(fileURLToPath(new URL("..", import.meta.url)));
});

afterAll(() => bundle[Symbol.asyncDispose]());

describe("the demo backend's process", () => {
  test("publishes a job through the sidecar, and at SIGTERM ends its requests and exits 0", async () => {
    await using sidecar = await new ScriptedSidecar(204).start();
    await using app = spawnApp({
      entry: bundle.entry,
      env: { ...env, DAPR_HTTP_ENDPOINT: sidecar.url, DAPR_API_TOKEN: "token" },
    });
    const { port } = await app.waitFor("service.started");
    const url = `http://127.0.0.1:${String(port)}`;
    await app.waitFor("sidecar.ready");

    expect((await fetch(`${url}/jobs`, { method: "POST" })).status).toBe(202);
    expect(sidecar.messages).toMatchObject([{ topic: "jobs", headers: { "dapr-api-token": "token" } }]);

    const streaming = await fetch(`${url}/stream?chunks=5&intervalMs=100`);
    const exit = app.stop("SIGTERM");
    await app.waitFor("service.stopping");
    expect((await streaming.text()).match(/chunk/g)).toHaveLength(5);
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(app.output).toBe("");
  });

  test("does not start without the gateway's address, and names the variable", async () => {
    await using app = spawnApp({ entry: bundle.entry, env: { ...env, GATEWAY_URL: "" } });
    expect(await app.exited).toEqual({ code: 1, signal: null });
    expect(app.output).toContain("GATEWAY_URL: missing");
  });
});

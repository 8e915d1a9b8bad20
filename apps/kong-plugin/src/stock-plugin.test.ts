import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  bundleApp,
  type BundledApp,
  ScriptedBackend,
  ScriptedSidecar,
  spawnApp,
} from "@kong-serverless/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

import { StockGateway } from "./testing/stock-gateway.ts";
import { config } from "./testing/test-system.ts";

const stockServer = createRequire(import.meta.url).resolve("kong-pdk/bin/kong-js-pluginserver");
const stockPlugin = join(import.meta.dirname, "stock-plugin.ts");
let directory: string;
let bundle: BundledApp;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "stock-"));
  await mkdir(join(directory, "src"));
  await writeFile(join(directory, "src/main.ts"), `export * from ${JSON.stringify(stockPlugin)};`);
  bundle = await bundleApp(directory);
  // That server's plugins directory is for CommonJS only.
  await mkdir(join(directory, "plugins"));
  const plugin = `module.exports = require(${JSON.stringify(bundle.entry)});`;
  await writeFile(join(directory, "plugins/serverless.cjs"), plugin);
});

afterAll(async () => {
  await bundle[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

test("kong-pdk's own plugin server loads the plugin, holds for a cold start and lets warm requests pass", async () => {
  await using backend = await new ScriptedBackend(503, 503, 200).start();
  await using sidecar = await new ScriptedSidecar().start();
  await using app = spawnApp({
    entry: stockServer,
    args: ["-d", join(directory, "plugins"), "--kong-prefix", directory, "--sock-name", "stock.socket"],
    env: { DAPR_HTTP_ENDPOINT: sidecar.url },
    // It loads ts-node, which takes TypeScript and its settings from the working directory. Ours are too new for it.
    cwd: directory,
  });
  using gateway = await StockGateway.connect(join(directory, "stock.socket"));

  const instance = await gateway.startInstance("serverless", { ...config, interval: 500 });
  const url = new URL(backend.url);
  const held = await gateway.event(instance, "access", {
    "kong.router.get_service": { id: "s", protocol: "http", host: url.hostname, port: Number(url.port) },
    "kong.router.get_route": { id: "r", paths: ["/"], strip_path: true },
  });
  expect(held).toContain("kong.service.request.set_header");
  expect(await app.waitFor("activation.ready")).toMatchObject({ backend: "demo", probes: 3 });
  expect(sidecar.messages).toHaveLength(1);

  expect(await gateway.event(instance, "access", {})).toEqual(["kong.ctx.shared.set"]);
  const log = await gateway.event(instance, "log", { "kong.response.get_status": 200 });
  expect(log).toEqual(["kong.ctx.shared.get", "kong.response.get_status"]);
});

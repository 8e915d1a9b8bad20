import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { spawnApp } from "@kong-serverless/testing";
import { expect, it, onTestFinished } from "vitest";

const deadlineMs = 30_000;

/** Receives OTLP over HTTP and collects the names of spans. */
async function startCollector() {
  const names: string[] = [];
  const take = async (request: IncomingMessage) => {
    for (const [, name = ""] of (await text(request)).matchAll(/"name":"(serverless\.[a-z]+)"/g))
      names.push(name);
  };
  const server = createServer((request, response) => {
    void take(request).then(() => response.writeHead(200, { "content-type": "application/json" }).end("{}"));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { names, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

it(
  "the demo exports the spans of a cold start where OTEL_EXPORTER_OTLP_ENDPOINT says",
  { timeout: 60_000 },
  async () => {
    const temporaryFolder = await mkdtemp(join(tmpdir(), "traces-"));
    onTestFinished(() => rm(temporaryFolder, { recursive: true, force: true }));
    const { names, url } = await startCollector();
    const app = spawnApp({
      entry: join(import.meta.dirname, "../../apps/playground/dist/main.js"),
      args: ["--daprd", "no-such-daprd", "--port", "0"],
      env: { TMPDIR: temporaryFolder, OTEL_EXPORTER_OTLP_ENDPOINT: url },
    });
    onTestFinished(async () => void (await app.stop("SIGTERM")));
    const [, gateway = ""] = await app.waitForOutput(/curl (http:\S+)\/ /, { timeoutMs: deadlineMs });
    expect((await fetch(gateway, { signal: AbortSignal.timeout(deadlineMs) })).status).toBe(200);
    const wanted = ["serverless.activation", "serverless.hold", "serverless.probe", "serverless.wake"];
    await expect.poll(() => [...new Set(names)].sort(), { timeout: deadlineMs }).toEqual(wanted);
  },
);

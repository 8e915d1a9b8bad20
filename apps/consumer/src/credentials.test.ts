import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { bundleOnce, QueueEmulator, spawnApp, TokenService } from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";

const entry = await bundleOnce(join(import.meta.dirname, ".."), inject("bundleFolder"));

const isUnauthenticated = ({ state }: Readonly<Record<string, unknown>>) => state === "unauthenticated";

// The worker repeatedly gives the token service several seconds to answer.
describe("a consumer whose token service falls silent", { timeout: 120_000 }, () => {
  let emulator: QueueEmulator;
  let directory: string;

  beforeAll(async () => {
    emulator = await QueueEmulator.start();
    directory = await mkdtemp(join(tmpdir(), "credentials-"));
    await writeFile(join(directory, "token"), "token");
  });
  afterAll(async () => {
    await emulator[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  function start(queue: string, service: TokenService) {
    const { AWS_ENDPOINT_URL = "", AWS_REGION = "" } = emulator.env;
    return spawnApp({
      entry,
      env: {
        AWS_ENDPOINT_URL,
        AWS_REGION,
        AWS_ENDPOINT_URL_STS: service.url,
        AWS_ROLE_ARN: "arn:aws:iam::000000000000:role/consumer",
        AWS_WEB_IDENTITY_TOKEN_FILE: join(directory, "token"),
        QUEUE_NAME: queue,
        WAIT_SECONDS: "1",
        SHUTDOWN_GRACE_SECONDS: "600",
        OPS_HOST: "127.0.0.1",
        OPS_PORT: "0",
      },
    });
  }

  test("says so, at the start and later, recovers by itself each time, and stops at once in the meantime", async () => {
    emulator.createQueue("work");
    await using service = await new TokenService().start();
    service.isSilent = true;
    await using consumer = start("work", service);
    const { port } = await consumer.waitFor("ops.listening");
    const first = await consumer.waitFor("queue.unavailable", {
      matches: isUnauthenticated,
      timeoutMs: 30_000,
    });
    const readyz = await fetch(`http://127.0.0.1:${String(port)}/readyz`);
    expect(await readyz.json()).toMatchObject({ waitingFor: ["queue: unauthenticated (receive)"] });
    const metrics = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    expect(metrics).toContain('queue_errors_total{operation="receive",state="unauthenticated"}');

    service.lifetimeMs = 2000;
    service.isSilent = false;
    emulator.send("work", "a");
    await consumer.waitFor("message.handled", { timeoutMs: 30_000 });

    service.isSilent = true;
    const isLater = (line: Readonly<Record<string, unknown>>) => isUnauthenticated(line) && line !== first;
    await consumer.waitFor("queue.unavailable", { matches: isLater, timeoutMs: 40_000 });
    service.isSilent = false;
    service.lifetimeMs = 3_600_000;
    emulator.send("work", "b");
    await emulator.waitForLength("work", 0, 30_000);

    // Without credentials it has nothing to wait for, although its grace period is ten minutes.
    service.isSilent = true;
    await using silenced = start("work", service);
    await silenced.waitFor("worker.started", { timeoutMs: 30_000 });
    await expect.poll(() => service.asked, { timeout: 20_000 }).toBeGreaterThan(4);
    expect(await silenced.stop("SIGTERM")).toEqual({ code: 0, signal: null });
  });
});

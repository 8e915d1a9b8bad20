import { join } from "node:path";

import { freePort } from "@kong-serverless/runtime";
import { isAlive } from "@kong-serverless/testing";
import { expect, it, onTestFinished, vi } from "vitest";

import type { PodSpec } from "../manifests/kinds.ts";
import { bundledApp } from "../processes/program.ts";
import { PlayedPod } from "./played-pod.ts";

interface Changes {
  readonly fixture?: "app" | "crash";
  readonly environment?: Record<string, string>;
  readonly preStopSeconds?: number;
  readonly graceSeconds?: number;
  readonly hasProbe?: boolean;
}

const readinessProbe = {
  httpGet: { path: "/healthz", port: "http" },
  initialDelaySeconds: 0,
  periodSeconds: 0.02,
  timeoutSeconds: 1,
  failureThreshold: 3,
};

/** A pod that runs a fixture, with its output and its events. */
async function startPod(changes: Changes = {}) {
  const { fixture = "app", environment = {}, preStopSeconds, graceSeconds = 30, hasProbe = true } = changes;
  const port = await freePort();
  const spec: PodSpec = {
    terminationGracePeriodSeconds: graceSeconds,
    containers: [
      {
        name: "app",
        image: "app",
        ports: [{ name: "http", containerPort: 8080 }],
        env: [],
        ...(hasProbe && { readinessProbe }),
        ...(preStopSeconds !== undefined && {
          lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } },
        }),
      },
    ],
  };
  const lines: string[] = [];
  const events: { event: string; fields: Record<string, unknown>; atMs: number }[] = [];
  const pod = new PlayedPod({
    name: "app-1",
    spec,
    program: bundledApp(join(import.meta.dirname, `fixtures/${fixture}.mjs`)),
    environment: { PORT: String(port), ...environment },
    ports: new Map([[8080, port]]),
    onLine: (line) => lines.push(line),
    onEvent: (event, fields) => events.push({ event, fields, atMs: Date.now() }),
  });
  onTestFinished(async () => {
    vi.useRealTimers();
    await pod.stop(0);
  });
  const fieldsOf = (name: string) => events.filter(({ event }) => event === name).map(({ fields }) => fields);
  return {
    pod,
    lines,
    fieldsOf,
    timesOf: (name: string) => events.filter(({ event }) => event === name).map(({ atMs }) => atMs),
    pids: () => fieldsOf("process.started").map(({ pid }) => pid as number),
    call: (path: string) => fetch(`http://127.0.0.1:${port}${path}`),
    says: (line: string) => expect.poll(() => lines).toContain(line),
    becomesReady: () => expect.poll(() => pod.isReady).toBe(true),
  };
}

it("is ready once its probe passes, until it has failed as often as the threshold", async () => {
  const { pod, call, says, becomesReady, fieldsOf } = await startPod({ environment: { READY: "false" } });
  await says("listening");
  expect(pod.isReady).toBe(false);
  await call("/ready");
  await becomesReady();
  await call("/unready");
  await expect.poll(() => pod.isReady).toBe(false);
  expect([fieldsOf("pod.ready"), fieldsOf("pod.unready")]).toEqual([[{}], [{}]]);
});

it("is ready at once without a probe", async () => {
  const { pod } = await startPod({ hasProbe: false });
  expect(pod.isReady).toBe(true);
});

it("gives the address of its ports, by number and by name", async () => {
  const { pod, call, becomesReady } = await startPod();
  await becomesReady();
  const { port } = new URL((await call("/")).url);
  const endpoint = { host: "127.0.0.1", port: Number(port) };
  expect([pod.endpoint(8080), pod.endpoint("http")]).toEqual([endpoint, endpoint]);
  expect([pod.endpoint(8081), pod.endpoint("metrics")]).toEqual([undefined, undefined]);
});

it("is unready when its process has crashed, and ready again with the next, which starts at once", async () => {
  const { pod, call, becomesReady, pids, fieldsOf } = await startPod();
  await becomesReady();
  await expect(call("/crash")).rejects.toThrow("fetch failed");
  await expect.poll(() => fieldsOf("container.exited")).toHaveLength(1);
  expect(fieldsOf("pod.unready")).toHaveLength(1);
  expect(fieldsOf("container.exited")).toEqual([{ code: 1, signal: null, restartDelayMs: 0 }]);
  await becomesReady();
  const [first, second] = pids();
  expect(await (await call("/")).text()).toBe(String(second));
  expect(isAlive(first)).toBe(false);
  expect(pod.isReady).toBe(true);
});

it("restarts a process that keeps exiting after 10 s, doubled each time, up to 5 minutes", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  const { fieldsOf, timesOf } = await startPod({ fixture: "crash", hasProbe: false });
  const delays = [0, 10, 20, 40, 80, 160, 300, 300].map((seconds) => seconds * 1000);
  for (const [index, restartDelayMs] of delays.entries()) {
    await expect.poll(() => fieldsOf("container.exited")[index]).toMatchObject({ restartDelayMs });
    await vi.advanceTimersByTimeAsync(restartDelayMs);
    const [exitedAt, startedAt] = [timesOf("container.exited")[index], timesOf("process.started")[index + 1]];
    const waitedMs = Number(startedAt) - Number(exitedAt);
    expect(waitedMs).toBeGreaterThanOrEqual(restartDelayMs);
    // Polling advances this clock, too.
    expect(waitedMs).toBeLessThan(restartDelayMs + 1_000);
  }
});

it("keeps serving during preStop, unready for new connections, and gets SIGTERM after it", async () => {
  const { pod, lines, call, says, becomesReady } = await startPod({ preStopSeconds: 0.2 });
  await becomesReady();
  const terminated = pod.terminate();
  expect([pod.isReady, pod.isTerminating]).toEqual([false, true]);
  expect((await call("/")).status).toBe(200);
  expect(lines).not.toContain("terminating");
  await terminated;
  await says("terminating");
});

it("does not restart a process that exits while the pod terminates", async () => {
  const { pod, call, becomesReady, pids, fieldsOf } = await startPod({ preStopSeconds: 60 });
  await becomesReady();
  const terminated = pod.terminate();
  await expect(call("/crash")).rejects.toThrow("fetch failed");
  // Nothing is left for preStop to wait for.
  await terminated;
  expect(pids()).toHaveLength(1);
  expect(fieldsOf("container.exited")).toEqual([]);
});

it("kills a process that still runs at the end of the grace period, which includes preStop", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { pod, says, pids } = await startPod({
    environment: { STUBBORN: "yes" },
    hasProbe: false,
    preStopSeconds: 5,
    graceSeconds: 30,
  });
  await says("listening");
  const terminated = pod.terminate();
  await vi.advanceTimersByTimeAsync(5_000);
  await says("terminating");
  expect(pids().map(isAlive)).toEqual([true]);
  await vi.advanceTimersByTimeAsync(25_000);
  await terminated;
  expect(pids().map(isAlive)).toEqual([false]);
});

it("sends only one SIGTERM if it is stopped while it terminates", async () => {
  const { pod, lines, becomesReady, pids, says } = await startPod({
    environment: { STUBBORN: "yes" },
    preStopSeconds: 60,
    graceSeconds: 120,
  });
  await becomesReady();
  const ended = [pod.terminate(), pod.stop(60_000)];
  await says("terminating");
  await Promise.all([...ended, pod.stop(0)]);
  expect(lines.filter((line) => line === "terminating")).toHaveLength(1);
  expect(pids().map(isAlive)).toEqual([false]);
});

it("can be stopped while it waits to restart", async () => {
  const { pod, fieldsOf, pids } = await startPod({ fixture: "crash", hasProbe: false });
  await expect.poll(() => fieldsOf("container.exited")).toHaveLength(2);
  await pod.stop(1_000);
  expect(pids()).toHaveLength(2);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { expect, it, onTestFinished } from "vitest";

/** Starts the fixture. (`spawnApp` of packages/testing, which builds on this package, is out of reach here.) */
function run(kind: string) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "fixtures/service.ts"), kind]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const said = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (said.out += chunk));
  child.stderr.on("data", (chunk) => (said.err += chunk));
  const ended = once(child, "close").then(([code]) => code as number);
  const events = () => [...said.out.matchAll(/"event":"([^"]+)"/g)].map(([, event]) => event);
  const waitFor = (event: string) => expect.poll(events).toContain(event);
  const stop = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  return { child, said, ended, events, waitFor, stop };
}

it("stops at the first signal and exits 0", async () => {
  const service = run("good");
  await service.waitFor("started");
  expect(await service.stop("SIGTERM")).toBe(0);
  expect(service.events()).toEqual(["starting", "started", "service.stopping", "service.stopped"]);
});

it("stops as soon as it has started when the signal comes during the start", async () => {
  const service = run("slow-start");
  await service.waitFor("starting");
  expect(await service.stop("SIGTERM")).toBe(0);
  expect(service.events()).toContain("service.stopped");
});

it("exits at once at the second signal", async () => {
  const service = run("slow-stop");
  await service.waitFor("started");
  service.child.kill("SIGTERM");
  await service.waitFor("service.stopping");
  expect(await service.stop("SIGINT")).toBe(1);
});

it("exits 1 when stopping fails", async () => {
  const service = run("bad-stop");
  await service.waitFor("started");
  expect(await service.stop("SIGTERM")).toBe(1);
  expect(service.events()).toContain("service.stop_failed");
});

it("says why it did not start, and nothing else, and exits 1", async () => {
  const service = run("bad-start");
  expect(await service.ended).toBe(1);
  expect(service.said.err).toBe("PORT: found x\n");
});

it("exits as it should when nobody reads its log any more", async () => {
  const service = run("good");
  await service.waitFor("started");
  service.child.stdout.destroy();
  expect(await service.stop("SIGTERM")).toBe(0);
});

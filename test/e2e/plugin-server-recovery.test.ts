import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { linux, needs, type SpawnedApp } from "@kong-serverless/testing";
import { describe, expect, it, type TestContext } from "vitest";

import { RunningPlayground } from "./running-playground.ts";

const deadlineMs = 30_000;

/** The id of the plugin server's process, recognized by its script. */
async function pluginServerOf(app: SpawnedApp): Promise<number> {
  const children = await readFile(`/proc/${app.pid}/task/${app.pid}/children`, "utf8");
  for (const pid of children.split(" ").filter(Boolean)) {
    if ((await readFile(`/proc/${pid}/cmdline`, "utf8")).includes("kong-plugin/dist/main.js"))
      return Number(pid);
  }
  throw new Error(`no plugin server among the processes ${children}`);
}

async function killPluginServer({ app }: RunningPlayground): Promise<number> {
  process.kill(await pluginServerOf(app), "SIGKILL");
  return performance.now();
}

const statusOf = async (url: string) =>
  (await fetch(url, { signal: AbortSignal.timeout(deadlineMs) })).status;

/** Keeps sending requests until one is not answered 500. Returns every status, and when the service was back. */
async function requestUntilServed(url: string, killedAtMs: number) {
  const statuses: Promise<number>[] = [];
  const served: number[] = [];
  while (served.length === 0 && performance.now() < killedAtMs + deadlineMs) {
    const sentAfterMs = performance.now() - killedAtMs;
    const status = statusOf(url);
    statuses.push(status);
    status.then(
      (answered) => void (answered !== 500 && served.push(sentAfterMs)),
      () => served.push(Infinity),
    );
    await sleep(20);
  }
  return { statuses: await Promise.all(statuses), outageMs: Math.round(Math.min(...served)) };
}

async function openSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws`);
  await once(socket, "open");
  return socket;
}

async function echo(socket: WebSocket, text: string): Promise<unknown> {
  const answer = once(socket, "message") as Promise<[MessageEvent]>;
  socket.send(text);
  return (await answer)[0].data;
}

async function report({ annotate }: TestContext, outageMs: number): Promise<void> {
  await annotate(`requests were answered 500 for ${outageMs} ms after the kill`);
}

// Each of these starts the whole system and a backend, and waits with its own deadlines. Only on Linux can the
// processes be told apart.
describe("a plugin server that is killed", { timeout: 120_000, ...needs(linux) }, () => {
  it("during 20 holds answers these 500 and then holds again, never letting a request through to a sleeping backend", async (context) => {
    await using playground = await RunningPlayground.spawn();
    const url = await playground.url();
    const held = Array.from({ length: 20 }, () => statusOf(`${url}/`));
    await playground.app.waitForOutput(/demo-backend: 0 -> 1/);
    const killedAtMs = await killPluginServer(playground);

    const { statuses, outageMs } = await requestUntilServed(`${url}/`, killedAtMs);
    await report(context, outageMs);
    // A request passed to a missing backend would have been answered 502.
    expect(new Set([...(await Promise.all(held)), ...statuses])).toEqual(new Set([500, 200]));
    expect(outageMs).toBeLessThan(deadlineMs);
  });

  it("with 10 open WebSockets leaves them open, and lets requests pass again soon", async (context) => {
    await using playground = await RunningPlayground.spawn();
    const url = await playground.url();
    expect(await statusOf(`${url}/`)).toBe(200);
    const sockets = await Promise.all(Array.from({ length: 10 }, () => openSocket(url)));
    const killedAtMs = await killPluginServer(playground);

    const during = await Promise.all(sockets.map((socket) => echo(socket, "still there?")));
    const { statuses, outageMs } = await requestUntilServed(`${url}/`, killedAtMs);
    await report(context, outageMs);
    const after = await Promise.all(sockets.map((socket) => echo(socket, "and now?")));
    expect(during).toEqual(Array(10).fill("still there?"));
    expect(after).toEqual(Array(10).fill("and now?"));
    expect([...new Set(statuses)].filter((status) => status !== 500)).toEqual([200]);
    expect(outageMs).toBeLessThan(deadlineMs);
    for (const socket of sockets) socket.close();
  });
});

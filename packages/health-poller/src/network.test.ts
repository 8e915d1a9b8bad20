import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { linux, needs } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { probe } from "./probe.ts";
import { namespaces, playScene } from "./testing/namespace.ts";
import { waitUntilReady } from "./wait-until-ready.ts";

/** A server in a process of its own that can be stopped, so that its backlog of two fills up. */
const backlogServer = `
  const server = require("node:http").createServer((_, response) => response.end("ok"));
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));
`;

async function portOf(child: ChildProcess): Promise<number> {
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return Number(line.toString());
}

/** Connections until one is not made any more. */
async function fill(port: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (;;) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    sockets.push(socket);
    const isFull = await Promise.race([
      once(socket, "connect").then(() => false),
      new Promise((resolve) => setTimeout(resolve, 200)).then(() => true),
    ]);
    if (isFull) return sockets;
  }
}

test(
  "finds a backend whose backlog was full as soon as it takes connections again",
  needs(linux),
  async () => {
    const child = spawn(process.execPath, ["--eval", backlogServer], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const port = await portOf(child);
    child.kill("SIGSTOP");
    const fillers = await fill(port);
    try {
      let started = 0;
      let startedBefore = Infinity;
      const { attempts } = await waitUntilReady({
        probe: (signal) => {
          started += 1;
          // By then, TCP's first retransmission of the earliest probe's SYN is a second away.
          if (started === 30) {
            startedBefore = started;
            for (const filler of fillers) filler.destroy();
            child.kill("SIGCONT");
          }
          return probe({ url: `http://127.0.0.1:${port}/`, timeoutMs: 5000 }, signal);
        },
        intervalMs: 20,
        deadlineMs: 20_000,
      });
      expect(attempts).toBeGreaterThanOrEqual(startedBefore);
      // The other process has to wake up and empty its backlog first.
      expect(attempts).toBeLessThanOrEqual(startedBefore + 10);
    } finally {
      for (const filler of fillers) filler.destroy();
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  },
);

/** Scenes take two seconds in a process of their own, on a machine that may be busy. */
const sceneMs = 60_000;

describe("in a network of its own", { timeout: sceneMs, ...needs(namespaces()) }, () => {
  test("a backend whose SYNs were lost is found by the first or second probe after that, with four sockets at most", async () => {
    const scene = await playScene<{
      lastLost: number;
      attempts: number;
      mostConnecting: number;
      stillConnecting: number;
    }>("lost-syns");
    expect(scene.attempts).toBeGreaterThan(scene.lastLost);
    expect(scene.attempts).toBeLessThanOrEqual(scene.lastLost + 2);
    expect(scene.mostConnecting).toBeLessThanOrEqual(4);
    expect(scene.stillConnecting).toBe(0);
  });

  test("a healthy backend is as fast beside six whose names hang as it is alone", async () => {
    expect(await playScene("hanging-names")).toEqual({
      healthy: { attempts: 1, waitedMs: expect.any(Number) },
      first: "healthy",
    });
  });
});

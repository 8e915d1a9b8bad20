import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { encodeFrames } from "@kong-serverless/kong-protocol";
import { encodeCall, KongPeer, readGoldenFrames } from "@kong-serverless/kong-protocol/testing";
import { withDeadline } from "@kong-serverless/runtime";
import { ScriptedSidecar, type SpawnedApp } from "@kong-serverless/testing";

import type { BenchmarkOptions } from "./benchmark.ts";
import { mutatedFrame } from "./fuzz/mutate.ts";
import { Random } from "./fuzz/random.ts";
import { startServerless } from "./plugin/plugin-process.ts";

const peers = 16;
/** Frames sent between checks that the server still serves. */
const batch = 500;
const answerDeadlineMs = 30_000;
/** Log events of unforeseen faults. */
const faults = new Set(["process.uncaught_exception", "process.unhandled_rejection"]);

/** Sends randomly mutated frames of Kong's to the real process, which has to keep serving Kong all the time. */
export async function run(
  progress: (line: string) => void,
  { isQuick, frames = isQuick ? 2000 : 200_000, seed = 1 }: BenchmarkOptions,
): Promise<object> {
  const random = new Random(seed);
  const sidecar = await new ScriptedSidecar().start();
  await using plugin = await startServerless(sidecar.url);
  const payloads = [
    ...readGoldenFrames().flatMap((recorded) =>
      recorded.frames.filter(({ from }) => from === "kong").map(({ bytes }) => bytes),
    ),
    ...callsOfToday(),
  ];
  const known = payloads.length;
  const sockets: (Socket | undefined)[] = Array<Socket | undefined>(peers).fill(undefined);
  let connections = 0;
  let slowestAnswerMs = 0;
  for (let sent = 0; sent < frames; sent += batch) {
    for (let frame = 0; frame < Math.min(batch, frames - sent); frame += 1) {
      const index = random.below(peers);
      let socket = sockets[index];
      if (socket === undefined || socket.destroyed || !socket.writable) {
        socket = await open(plugin.socketPath);
        sockets[index] = socket;
        connections += 1;
      }
      // Some disconnect in the middle.
      if (random.below(200) === 0) socket.destroy();
      else socket.write(mutatedFrame(payloads, random));
    }
    const { tookMs, instanceId } = await askHonestly(plugin.socketPath, { seed, sent });
    slowestAnswerMs = Math.max(slowestAnswerMs, tookMs);
    // So that further frames refer to an existing instance.
    payloads.splice(known, payloads.length, ...eventsOf(instanceId));
    if ((sent / batch) % 40 === 0) progress(`fuzz  ${sent + batch} of ${frames} frames, seed ${seed}`);
  }
  for (const socket of sockets) socket?.destroy();
  await sidecar.stop();
  return {
    seed,
    frames,
    connections,
    slowestAnswerMs: Math.round(slowestAnswerMs),
    faults: faultsOf(plugin.app),
  };
}

/** Calls with current configurations: the recorded ones have those of a test plugin. */
function callsOfToday(): Buffer[] {
  const backend = {
    name: "fuzzed",
    health: "/healthz",
    upstream: "http://127.0.0.1:9",
    pubsub: "p",
    topic: "t",
  };
  const config = Buffer.from(
    JSON.stringify({ holdTimeoutMs: 200, backend: [backend], __key__: "k", __seq__: 1 }),
  );
  return [
    encodeCall(1, { case: "startInstance", value: { name: "serverless", config } }),
    encodeCall(2, { case: "getPluginInfo", value: { name: "serverless" } }),
    encodeCall(3, { case: "getPluginNames", value: {} }),
  ].map((call) => Buffer.from(call));
}

async function open(socketPath: string): Promise<Socket> {
  const socket = connect(socketPath);
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  return socket;
}

function eventsOf(instanceId: number): Buffer[] {
  return ["access", "log", "access", "preread"].map((eventName) =>
    Buffer.from(encodeCall(4, { case: "handleEvent", value: { instanceId, eventName } })),
  );
}

/** Starts an instance and has an event handled, as a well-behaved peer. */
async function askHonestly(
  socketPath: string,
  where: { readonly seed: number; readonly sent: number },
): Promise<{ readonly tookMs: number; readonly instanceId: number }> {
  const startedAtMs = performance.now();
  using deadline = withDeadline(
    answerDeadlineMs,
    () => new Error(`no answer after ${JSON.stringify(where)}`),
  );
  const kong = await KongPeer.connect(socketPath);
  const onAbort = () => kong.frames.close();
  deadline.signal.addEventListener("abort", onAbort);
  const instanceId = await kong.startInstance(
    { backend: [{ name: "honest", pubsub: "p", topic: "t" }] },
    "serverless",
  );
  kong.handleEvent(instanceId);
  for (let name = await kong.readText(); name !== ""; name = await kong.readText()) {
    if (name === "closed") throw deadline.signal.reason ?? new Error(`closed after ${JSON.stringify(where)}`);
    await kong.frames.read();
    kong.frames.sendBytes(encodeFrames(Buffer.alloc(0)));
  }
  await kong.frames.read();
  kong.frames.close();
  return { tookMs: performance.now() - startedAtMs, instanceId };
}

function faultsOf(app: SpawnedApp): object[] {
  return app.log.filter(({ event }) => faults.has(event));
}

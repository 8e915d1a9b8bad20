import { encodeFrames } from "@kong-serverless/kong-protocol";
import { type CallInit, encodeCall, FramePeer, KongPeer } from "@kong-serverless/kong-protocol/testing";
import * as fc from "fast-check";
import { expect, it, vi } from "vitest";

import type { Kong } from "./index.ts";
import { serve, type ServedPlugin } from "./testing/served-plugin.ts";

/** What the plugin does with an event is up to the instance's configuration. */
class Unpredictable {
  readonly #behaviour: unknown;

  constructor(config: { behaviour?: unknown }) {
    this.#behaviour = config.behaviour;
    if (config.behaviour === "unconstructible") throw new Error("not like this");
  }

  async access(kong: Kong): Promise<void> {
    if (this.#behaviour === "throws") throw new Error("no");
    if (this.#behaviour === "exits") await kong.response.exit(418);
    if (this.#behaviour === "calls") await kong.request.getHeaders();
    if (this.#behaviour === "forgets") void kong.log.info("bye");
    if (this.#behaviour === "waits") {
      await new Promise((resolve) => kong.signal.addEventListener("abort", resolve));
    }
  }

  log(kong: Kong): Promise<number> {
    return kong.response.getStatus();
  }
}

const plugin = { Plugin: Unpredictable as never, Name: "tested", Version: "1", Priority: 1, Schema: [] };

/** Whether the server still serves an event, with as many connections open as before it. */
async function isServing({ socketPath }: ServedPlugin): Promise<boolean> {
  const kong = await KongPeer.connect(socketPath);
  kong.handleEvent(await kong.startInstance());
  const end = await kong.readEnd();
  kong.frames.close();
  return end !== undefined;
}

/** Resolves once this many connections are open, and no event runs. */
async function forgotten({ server }: ServedPlugin, connections: number): Promise<void> {
  await vi.waitFor(() => expect(server.counts).toMatchObject({ connections, runningEvents: 0 }), {
    interval: 1,
  });
}

it("survives any bytes, and forgets their connections", async () => {
  await using served = await serve(plugin, { maxFrameBytes: 4096 });
  const framed = fc.uint8Array({ maxLength: 64 }).map((payload) => new Uint8Array(encodeFrames(payload)));
  const chunks = fc.array(fc.oneof(framed, fc.uint8Array({ maxLength: 64 })), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(chunks, async (sent) => {
      const peer = await FramePeer.connect(served.socketPath);
      for (const chunk of sent) peer.sendBytes(chunk);
      peer.socket.end();
      while (await peer.read());
    }),
    { numRuns: 150 },
  );
  expect(await isServing(served)).toBe(true);
  await forgotten(served, 0);
});

const behaviour = fc.constantFrom("none", "throws", "exits", "calls", "forgets", "waits", "unconstructible");
const config = fc.oneof(
  behaviour.map((chosen) => JSON.stringify({ behaviour: chosen })),
  fc.constantFrom("null", "{", "[]", ""),
);
// Few ids, counted from the newest, so that messages hit open, closed and unknown instances.
const age = fc.integer({ min: 0, max: 3 });
const eventName = fc.constantFrom("access", "log", "preread", "__proto__");

type Step =
  | { readonly kind: "start"; readonly name: string; readonly config: string }
  | { readonly kind: "event"; readonly age: number; readonly eventName: string }
  | { readonly kind: "close" | "status"; readonly age: number }
  | { readonly kind: "names" }
  | { readonly kind: "leave" }
  | { readonly kind: "result"; readonly bytes: Uint8Array };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("start" as const), name: fc.constantFrom("tested", "other"), config }),
  fc.record({ kind: fc.constant("event" as const), age, eventName }),
  fc.record({ kind: fc.constantFrom("close" as const, "status" as const), age }),
  fc.record({ kind: fc.constant("names" as const) }),
  fc.record({ kind: fc.constant("leave" as const) }),
  fc.record({ kind: fc.constant("result" as const), bytes: fc.uint8Array({ maxLength: 8 }) }),
);

function callOf(taken: Exclude<Step, { kind: "leave" | "result" }>, ids: readonly number[]): CallInit {
  if (taken.kind === "names") return { case: "getPluginNames", value: {} };
  if (taken.kind === "start") {
    return { case: "startInstance", value: { name: taken.name, config: Buffer.from(taken.config) } };
  }
  const instanceId = ids.at(-1 - taken.age) ?? 7;
  if (taken.kind === "event")
    return { case: "handleEvent", value: { instanceId, eventName: taken.eventName } };
  return { case: taken.kind === "close" ? "closeInstance" : "getInstanceStatus", value: { instanceId } };
}

it("survives any order of messages on several connections, and forgets what has ended", async () => {
  await using served = await serve(plugin);
  const first = await KongPeer.connect(served.socketPath);
  const sequences = fc.array(fc.record({ peer: fc.integer({ min: 0, max: 2 }), step }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(sequences, async (steps) => {
      // Ids are consecutive: those of the instances to come follow this one.
      const base = await first.startInstance();
      const ids = [base];
      const peers = new Map<number, FramePeer>();
      for (const { peer: index, step: taken } of steps) {
        const peer = peers.get(index) ?? (await FramePeer.connect(served.socketPath));
        peers.set(index, peer);
        if (taken.kind === "start") ids.push(base + ids.length);
        if (taken.kind === "leave") peers.delete(index);
        if (taken.kind === "leave") peer.close();
        else if (taken.kind === "result") peer.send(taken.bytes);
        else peer.send(encodeCall(1, callOf(taken, ids)));
      }
      for (const peer of peers.values()) peer.close();
      await forgotten(served, 1);
    }),
    { numRuns: 150 },
  );
  first.frames.close();
  expect(await isServing(served)).toBe(true);
  await forgotten(served, 0);
});

import { EventEmitter } from "node:events";

import { RecordingLog } from "@kong-serverless/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { WakeStreams } from "./wake-streams.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const trigger = { key: "shop/api/api", backend: "api", targetValue: 10 };
const settleMs = 10_000;

class FakeStream extends EventEmitter {
  wakes = 0;
  hasEndedOk = false;
  writableNeedDrain = false;

  write(): void {
    this.wakes += 1;
  }

  end(): void {
    this.hasEndedOk = true;
    this.emit("close");
  }

  break(): void {
    this.emit("close");
  }
}

function open(demand = 0) {
  const state = { demand };
  const streams = new WakeStreams({ demand: async () => state.demand, log: new RecordingLog() });
  const connect = async () => {
    const stream = new FakeStream();
    streams.open(stream, trigger);
    await vi.advanceTimersByTimeAsync(0);
    return stream;
  };
  return { streams, state, connect };
}

test("a wake reaches every stream of its backend, and no other's", async () => {
  const { streams, connect } = open();
  const one = await connect();
  const other = await connect();
  streams.wake("api");
  streams.wake("web");
  expect([one.wakes, other.wakes, streams.count("api"), streams.count("web")]).toEqual([1, 1, 2, 0]);
});

test("wakes do not pile up on a stream that is not read", async () => {
  const { streams, connect } = open();
  const stream = await connect();
  stream.writableNeedDrain = true;
  streams.wake("api");
  stream.writableNeedDrain = false;
  streams.wake("api");
  expect(stream.wakes).toBe(1);
});

test("a stream that opens while requests wait gets a wake at once", async () => {
  const { connect } = open(1);
  expect((await connect()).wakes).toBe(1);
});

test("the first stream after a break is ended with OK once, which resets KEDA's pause", async () => {
  const { streams, connect } = open();
  const first = await connect();
  await vi.advanceTimersByTimeAsync(settleMs);
  expect(first.hasEndedOk).toBe(true);
  const second = await connect();
  await vi.advanceTimersByTimeAsync(10 * settleMs);
  expect(second.hasEndedOk).toBe(false);
  second.break();
  const third = await connect();
  await vi.advanceTimersByTimeAsync(settleMs);
  expect(third.hasEndedOk).toBe(true);
  expect(streams.count("api")).toBe(0);
});

test("no stream is ended while requests wait for its backend", async () => {
  const { state, connect } = open(1);
  const stream = await connect();
  await vi.advanceTimersByTimeAsync(2 * settleMs);
  expect(stream.hasEndedOk).toBe(false);
  state.demand = 0;
  await vi.advanceTimersByTimeAsync(settleMs);
  expect(stream.hasEndedOk).toBe(true);
});

test("a stream that broke is never ended later, nor written to", async () => {
  const { streams, connect } = open();
  const stream = await connect();
  stream.break();
  streams.wake("api");
  await vi.advanceTimersByTimeAsync(2 * settleMs);
  expect([stream.wakes, stream.hasEndedOk, vi.getTimerCount()]).toEqual([0, false, 0]);
});

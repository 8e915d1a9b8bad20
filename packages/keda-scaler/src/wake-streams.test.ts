import { EventEmitter } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";

import { RecordingLog } from "@kong-serverless/testing";
import { expect, test } from "vitest";

import { WakeStreams } from "./wake-streams.ts";

const trigger = { key: "shop/api/api", backend: "api", targetValue: 10 };

class FakeStream extends EventEmitter {
  wakes = 0;
  hasEndedOk = false;
  closesLater = false;
  writableNeedDrain = false;

  write(): void {
    this.wakes += 1;
  }

  end(): void {
    this.hasEndedOk = true;
    if (!this.closesLater) this.emit("close");
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
    await nextTurn();
    return stream;
  };
  /** A stream whose predecessor ended with OK. */
  const settle = async () => {
    await connect();
    streams.wake("api");
    return connect();
  };
  return { streams, state, connect, settle };
}

test("a wake reaches every stream of its backend, and no other's", async () => {
  const { streams, connect } = open();
  const one = await connect();
  const other = await connect();
  expect([streams.count("api"), streams.count("web")]).toEqual([2, 0]);
  streams.wake("api");
  streams.wake("web");
  expect([one.wakes, other.wakes]).toEqual([1, 1]);
});

test("wakes do not pile up on a stream that is not read", async () => {
  const { streams, settle } = open();
  const stream = await settle();
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

test("the first stream after a break ends with OK after its first wake, which resets KEDA's pause", async () => {
  const { streams, connect } = open();
  const first = await connect();
  expect(first.hasEndedOk).toBe(false);
  streams.wake("api");
  expect([first.wakes, first.hasEndedOk, streams.count("api")]).toEqual([1, true, 0]);
  const second = await connect();
  streams.wake("api");
  expect([second.wakes, second.hasEndedOk, streams.count("api")]).toEqual([1, false, 1]);
  second.break();
  const third = await connect();
  streams.wake("api");
  expect([third.wakes, third.hasEndedOk]).toEqual([1, true]);
});

test("a stream that opens while requests wait ends with OK too, and its successor stays", async () => {
  const { connect } = open(1);
  const first = await connect();
  const second = await connect();
  expect([first.wakes, first.hasEndedOk]).toEqual([1, true]);
  expect([second.wakes, second.hasEndedOk]).toEqual([1, false]);
});

test("nothing is written to a stream that has ended or broken", async () => {
  const { state, streams, connect } = open();
  const ended = await connect();
  ended.closesLater = true;
  streams.wake("api");
  streams.wake("api");
  expect(ended.wakes).toBe(1);
  const broken = await connect();
  broken.break();
  streams.wake("api");
  expect(broken.wakes).toBe(0);
  state.demand = 1;
  const brokenAtOnce = new FakeStream();
  streams.open(brokenAtOnce, trigger);
  brokenAtOnce.break();
  await nextTurn();
  expect(brokenAtOnce.wakes).toBe(0);
});

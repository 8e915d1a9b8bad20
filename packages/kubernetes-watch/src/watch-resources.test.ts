import { PassThrough } from "node:stream";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { ApiServer } from "./in-cluster-api-server.ts";
import { watchResources } from "./watch-resources.ts";

/** Answers lists at once, and leaves each watch to the test. */
class ApiServerInMemory implements ApiServer {
  readonly watches: PassThrough[] = [];
  lists = 0;

  open(path: string): ReturnType<ApiServer["open"]> {
    const body = new PassThrough();
    if (path.includes("watch=1")) this.watches.push(body);
    else {
      this.lists += 1;
      body.end(JSON.stringify({ items: [], metadata: { resourceVersion: "7" } }));
    }
    return Promise.resolve(Object.assign(body, { statusCode: 200 }) as never);
  }
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const nothing = () => {};

async function watched(act: (server: ApiServerInMemory, lost: Error[]) => Promise<void>): Promise<void> {
  const server = new ApiServerInMemory();
  const stopping = new AbortController();
  const lost: Error[] = [];
  const options = {
    server,
    path: "/pods",
    onSynced: nothing,
    onChanged: nothing,
    onRemoved: nothing,
    onLost: (error: Error) => lost.push(error),
  };
  const ended = watchResources(options, stopping.signal);
  await vi.advanceTimersByTimeAsync(0);
  await act(server, lost);
  stopping.abort();
  server.watches.at(-1)?.destroy();
  await vi.advanceTimersByTimeAsync(0);
  await ended;
}

describe("a watch", () => {
  test("is given up when the API server is silent for longer than a watch lasts", () =>
    watched(async (server, lost) => {
      await vi.advanceTimersByTimeAsync(70_000);
      server.watches[0]?.write('{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8"}}}\n');
      await vi.advanceTimersByTimeAsync(70_000);
      expect(lost).toEqual([]);
      await vi.advanceTimersByTimeAsync(6000);
      expect(lost.map(({ message }) => message)).toEqual(["silent for 75 s"]);
      expect(server.lists).toBe(2);
    }));

  test("is not requested in a tight loop when each one ends at once", () =>
    watched(async (server) => {
      server.watches[0]?.end();
      await vi.advanceTimersByTimeAsync(900);
      expect(server.watches).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(200);
      expect(server.watches).toHaveLength(2);
    }));

  test("is retried at growing intervals, up to about half a minute, while it fails", () =>
    watched(async (server) => {
      for (let minute = 0; minute < 10; minute += 1) {
        for (let second = 0; second < 60; second += 1) {
          server.watches.at(-1)?.destroy(new Error("reset"));
          await vi.advanceTimersByTimeAsync(1000);
        }
      }
      // Ten tries in the first half minute or so, then at least one and at most four a minute.
      expect(server.lists).toBeGreaterThan(15);
      expect(server.lists).toBeLessThan(50);
    }));
});

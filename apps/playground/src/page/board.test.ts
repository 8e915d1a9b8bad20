import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { ColdStartProgress, ColdStarts } from "../cold-starts.ts";
import { Journal } from "../journal.ts";
import type { TargetNames } from "../target-names.ts";
import { Board } from "./board.ts";
import type { Snapshot } from "./messages.ts";
import type { PlaygroundView } from "./playground-view.ts";
import { Tabs } from "./tabs.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function createBoard() {
  const journal = new Journal();
  const tabs = new Tabs(1);
  // Nobody listens there, and no answer is needed here.
  const opsPort = vi.fn<() => number>(() => 1);
  const coldStartListeners: ((progress: ColdStartProgress) => void)[] = [];
  const board = new Board({
    tabs,
    view: { journal, opsPort, sidecar: {}, targets: [], gatewayUrl: "" } as unknown as PlaygroundView,
    targetNames: { of: () => "web" } as unknown as TargetNames,
    coldStarts: {
      onProgress: (listener: (progress: ColdStartProgress) => void) => coldStartListeners.push(listener),
    } as unknown as ColdStarts,
  });
  let lastId = 0;
  const tellProgress = (progress: Pick<ColdStartProgress, "id" | "state" | "timeline">) => {
    for (const listener of coldStartListeners) listener({ target: "web", arrivedAtMs: 0, ...progress });
  };
  const tellColdStart = (readyAtMs: number) => {
    const timeline = [{ event: "first ready answer", atMs: readyAtMs }];
    tellProgress({ id: (lastId += 1), state: "answered", timeline });
  };
  return { board, journal, tabs, opsPort, tellProgress, tellColdStart };
}

it("asks the plugin server for its metrics only while a tab is open", async () => {
  const { board, tabs, opsPort } = createBoard();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(opsPort).not.toHaveBeenCalled();
  const tab = tabs.open({} as Snapshot);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(opsPort).toHaveBeenCalledTimes(4);
  await tab?.cancel();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(opsPort).toHaveBeenCalledTimes(4);
  board.stop();
});

it("keeps only the latest of everything, however long it runs", async () => {
  const { board, journal, tellColdStart } = createBoard();
  await vi.advanceTimersByTimeAsync(600_000);
  for (let count = 1; count <= 200; count += 1) {
    journal.record("kubelet", "pod.ready", { pod: `pod ${count}` });
    tellColdStart(1_000 + count);
  }
  const { samples, news, coldStarts } = await board.snapshot();
  expect([samples.length, news.length, coldStarts.length]).toEqual([181, 60, 8]);
  expect(news.at(-1)?.text).toBe("pod 200 is ready.");
  expect(coldStarts.at(-1)?.timeline).toEqual([{ event: "first ready answer", atMs: 1_200 }]);
  board.stop();
});

it("shows no cold start for a backend that was up all along and only had to confirm it", async () => {
  const { board, tellColdStart, tellProgress } = createBoard();
  tellColdStart(20);
  expect((await board.snapshot()).coldStarts).toEqual([]);
  // Its request may take longer than that.
  tellProgress({ id: 9, state: "running", timeline: [{ event: "first ready answer", atMs: 20 }] });
  await vi.advanceTimersByTimeAsync(1_000);
  expect((await board.snapshot()).coldStarts).toEqual([]);
  board.stop();
});

it("shows a running cold start step by step, unless it is over at once or nobody waits for it", async () => {
  const { board, tellProgress } = createBoard();
  const held = { event: "held", atMs: 1 };
  const scaled = { event: "scaled 0 -> 1", atMs: 90 };
  const shown = async () => (await board.snapshot()).coldStarts.map(({ id, state }) => [id, state]);
  tellProgress({ id: 1, state: "running", timeline: [held] });
  tellProgress({ id: 2, state: "running", timeline: [held] });
  tellProgress({ id: 3, state: "running", timeline: [held] });
  tellProgress({ id: 2, state: "answered", timeline: [held, { event: "first ready answer", atMs: 20 }] });
  tellProgress({ id: 3, state: "left", timeline: [held] });
  tellProgress({ id: 1, state: "running", timeline: [held, scaled] });
  expect(await shown()).toEqual([]);
  await vi.advanceTimersByTimeAsync(100);
  expect(await shown()).toEqual([[1, "running"]]);
  expect((await board.snapshot()).coldStarts[0]?.timeline).toEqual([held, scaled]);
  tellProgress({ id: 1, state: "left", timeline: [held, scaled] });
  expect(await shown()).toEqual([[1, "left"]]);
  board.stop();
});

it("does nothing once stopped", () => {
  const { board } = createBoard();
  board.stop();
  expect(vi.getTimerCount()).toBe(0);
});

import { expect, it } from "vitest";

import type { News, Snapshot } from "./messages.ts";
import { Tabs } from "./tabs.ts";

const snapshot = { gatewayUrl: "http://127.0.0.1:8000" } as Snapshot;
const news: News = { id: 1, atMs: 0, text: "x".repeat(10_000), tone: "plain", count: 1 };

async function readAll(stream: ReadableStream<Uint8Array> | undefined): Promise<string> {
  return new Response(stream ?? null).text();
}

it("starts a tab with the snapshot, then passes on what is sent, until the end", async () => {
  const tabs = new Tabs(1);
  const stream = tabs.open(snapshot);
  tabs.send("news", { ...news, text: "first" });
  tabs.close();
  expect(await readAll(stream)).toMatch(
    /^retry: 1000\nevent: snapshot\ndata: \{"gatewayUrl".*\}\n\nevent: news\ndata: \{.*"first".*\}\n\n$/,
  );
});

it("drops a tab that does not read before its backlog grows large, and keeps the others", async () => {
  const tabs = new Tabs(2);
  const slow = tabs.open(snapshot);
  const reader = tabs.open(snapshot)?.getReader();
  await reader?.read();
  for (let sent = 0; sent < 100; sent += 1) {
    tabs.send("news", news);
    await reader?.read();
  }
  expect(tabs.count).toBe(1);
  await expect(readAll(slow)).rejects.toThrow("reads too slowly");
});

it("forgets a closed tab, and refuses one too many", async () => {
  const tabs = new Tabs(1);
  const stream = tabs.open(snapshot);
  expect(tabs.open(snapshot)).toBeUndefined();
  await stream?.cancel();
  expect(tabs.count).toBe(0);
  expect(tabs.open(snapshot)).toBeDefined();
});

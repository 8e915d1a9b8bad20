import { expect, it } from "vitest";

import type { JournalEntry } from "../journal.ts";
import { NewsFeed } from "./news-feed.ts";

type Role = JournalEntry["role"];

function createFeed() {
  const feed = new NewsFeed();
  const note = (role: Role, event: string, fields: JournalEntry["fields"], atMs = 0) =>
    feed.note({ atMs, role, event, fields }, "web");
  return { feed, note };
}

function textOf(role: Role, event: string, fields: JournalEntry["fields"]): string | undefined {
  return createFeed().note(role, event, fields)?.text;
}

it("reports that a process was killed and when it restarts", () => {
  const exited = { pod: "web-1", signal: "SIGKILL", code: null, restartDelayMs: 0 };
  expect(textOf("kubelet", "container.exited", exited)).toBe("web-1 ended (SIGKILL) and restarts at once.");
  const again = { pod: "web-1", signal: null, code: 1, restartDelayMs: 10_000 };
  expect(textOf("kubelet", "container.exited", again)).toBe(
    "web-1 ended (exit code 1) and restarts in 10 s.",
  );
});

it("reports a start, but not a mere confirmation that a backend is up", () => {
  const ready = { backend: "web", waitedMs: 1_234, held: 3 };
  expect(textOf("plugin", "activation.ready", { ...ready, probes: 40 })).toBe(
    "web is ready after 1.2 s. The 3 requests that waited go on to it.",
  );
  expect(textOf("plugin", "activation.ready", { ...ready, probes: 1 })).toBeUndefined();
});

it("reports the message that wakes a backend, not those that keep it warm", () => {
  expect(textOf("plugin", "wake.published", { backend: "web", reason: "activation" })).toBeDefined();
  expect(textOf("plugin", "wake.published", { backend: "web", reason: "keep-warm" })).toBeUndefined();
});

it("reports any other failure by its name, and ignores unknown events that are no failures", () => {
  expect(textOf("broker", "broker.failed", {})).toBe("broker: broker failed.");
  expect(textOf("app", "toString", {})).toBeUndefined();
});

it("counts the same trouble within ten seconds instead of repeating it", () => {
  const { feed, note } = createFeed();
  const fail = (atMs: number) =>
    note("gateway", "upstream.failed", { service: "web", reason: "reset" }, atMs);
  const first = fail(0);
  expect(fail(9_000)).toEqual({ ...first, count: 2 });
  expect(fail(20_000)).toMatchObject({ count: 1 });
  expect(feed.all.map(({ count }) => count)).toEqual([2, 1]);
});

it("reports good news twice if it happens twice", () => {
  const { feed, note } = createFeed();
  for (const atMs of [0, 1]) note("kubelet", "pod.ready", { pod: "web-1" }, atMs);
  expect(feed.all).toHaveLength(2);
});

it("treats trouble of a target shortly after a kill as its consequence", () => {
  const { feed, note } = createFeed();
  const fail = (atMs: number) =>
    note("gateway", "upstream.failed", { service: "web", reason: "reset" }, atMs)?.tone;
  expect(fail(0)).toBe("bad");
  expect(note("kubelet", "pod.killed", { pod: "web-1" }, 1_000)?.tone).toBe("plain");
  expect(fail(1_001)).toBe("consequence");
  const entry = { atMs: 1_001, role: "plugin", event: "lease.lost", fields: { backend: "other" } } as const;
  expect(feed.note(entry, "other")?.tone).toBe("bad");
  expect(fail(30_000)).toBe("bad");
});

it("treats wakes that fail while the sidecar is stopped as a consequence", () => {
  const { note } = createFeed();
  const fail = (atMs: number) =>
    note("plugin", "wake.failed", { backend: "web", code: "PUBLISH_FAILED" }, atMs)?.tone;
  expect(note("sidecar", "sidecar.stopped", {})?.tone).toBe("bad");
  expect(fail(60_000)).toBe("consequence");
  note("sidecar", "sidecar.started", {});
  expect(fail(60_001)).toBe("bad");
});

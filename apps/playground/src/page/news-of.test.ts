import { expect, it } from "vitest";

import type { JournalEntry } from "../journal.ts";
import { newsOf } from "./news-of.ts";

function textOf(
  role: JournalEntry["role"],
  event: string,
  fields: JournalEntry["fields"],
): string | undefined {
  return newsOf({ atMs: 0, role, event, fields })?.text;
}

it("tells a killed process and when it is started anew", () => {
  const exited = { pod: "web-1", signal: "SIGKILL", code: null, restartDelayMs: 0 };
  expect(textOf("kubelet", "container.exited", exited)).toBe(
    "web-1 ended (SIGKILL) and is started anew at once.",
  );
  const again = { pod: "web-1", signal: null, code: 1, restartDelayMs: 10_000 };
  expect(textOf("kubelet", "container.exited", again)).toBe(
    "web-1 ended (exit code 1) and is started anew in 10.0 s.",
  );
});

it("tells a start, and no mere confirmation that a backend is up", () => {
  const ready = { backend: "web", waitedMs: 1_234, held: 3 };
  expect(textOf("plugin", "activation.ready", { ...ready, probes: 40 })).toBe(
    "web answers after 1.2 s. Held until then: 3.",
  );
  expect(textOf("plugin", "activation.ready", { ...ready, probes: 1 })).toBeUndefined();
});

it("tells the message that wakes, not those that keep awake", () => {
  expect(textOf("plugin", "wake.published", { backend: "web", reason: "activation" })).toBeDefined();
  expect(textOf("plugin", "wake.published", { backend: "web", reason: "keep-warm" })).toBeUndefined();
});

it("tells whatever else failed by its name, and nothing of what is neither known nor a failure", () => {
  expect(textOf("broker", "broker.failed", {})).toBe("broker: broker failed.");
  expect(textOf("app", "toString", {})).toBeUndefined();
});

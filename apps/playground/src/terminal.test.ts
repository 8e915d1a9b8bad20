import { expect, test } from "vitest";

import type { JournalEntry } from "./journal.ts";
import { formatEntry } from "./terminal.ts";

const printed = (role: JournalEntry["role"], event: string, fields: JournalEntry["fields"] = {}) =>
  formatEntry({ atMs: 0, role, event, fields });

test("scaling is one short line", () => {
  const fields = { target: "web", from: 0, to: 1, by: "keda" };
  expect(printed("autoscaler", "replicas.changed", fields)).toBe("web: 0 -> 1 (keda)");
});

test("trouble is a sentence, with the reason", () => {
  const exited = { pod: "web-1", target: "web", code: 137, signal: null, restartDelayMs: 0 };
  expect(printed("kubelet", "container.exited", exited)).toBe(
    "web-1 ended (exit code 137) and restarts at once.",
  );
  const failed = { backend: "web", code: "PUBLISH_FAILED", reason: "connection refused" };
  expect(printed("plugin", "wake.failed", failed)).toBe(
    "The wake message for web could not be sent: PUBLISH_FAILED. (reason: connection refused)",
  );
});

test("trouble without its own sentence is printed with all fields, an error as its message", () => {
  const fields = { level: "error", pod: "web-1", error: { message: "out of luck", stack: "at web.js:1" } };
  expect(printed("app", "request.failed", fields)).toBe(
    "app: request failed. (pod: web-1, error: out of luck)",
  );
  expect(printed("app", "disk.full", { level: "error" })).toBe("app: disk full.");
});

test("what is not trouble is not printed", () => {
  expect(printed("kubelet", "pod.ready", { pod: "web-1" })).toBeUndefined();
  expect(printed("app", "jobs.done", { level: "info" })).toBeUndefined();
});

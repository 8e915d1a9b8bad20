import { expect, it } from "vitest";

import type { JournalEntry } from "../journal.ts";
import { Traffic } from "./traffic.ts";

function told(event: string, request: string): JournalEntry {
  return { atMs: 0, role: "gateway", event: `request.${event}`, fields: { request } };
}

it("counts a request as held until it is forwarded, and as in flight until it ends", () => {
  const traffic = new Traffic();
  traffic.note(told("arrived", "a"), "web");
  expect(traffic.of("web")).toEqual({ held: 1, inFlight: 0 });
  traffic.note(told("proxied", "a"), "web");
  expect(traffic.of("web")).toEqual({ held: 0, inFlight: 1 });
  traffic.note(told("answered", "a"), "web");
  expect(traffic.of("web")).toEqual({ held: 0, inFlight: 0 });
});

it("counts what was refused, or began before anybody counted, as nothing", () => {
  const traffic = new Traffic();
  traffic.note(told("arrived", "a"), "web");
  traffic.note(told("answered", "a"), "web");
  traffic.note(told("proxied", "b"), "web");
  expect(traffic.of("web")).toEqual({ held: 0, inFlight: 0 });
});

it("remembers what lasted a moment until it is asked", () => {
  const traffic = new Traffic();
  for (const request of ["a", "b"]) traffic.note(told("arrived", request), "web");
  for (const request of ["a", "b"]) traffic.note(told("answered", request), "web");
  expect(traffic.takePeak("web")).toEqual({ held: 2, inFlight: 0 });
  expect(traffic.takePeak("web")).toEqual({ held: 0, inFlight: 0 });
});

import { expect, it } from "vitest";

import type { JournalEntry } from "../journal.ts";
import { TargetFigures } from "./target-figures.ts";

function told(event: string, request: string): JournalEntry {
  return { atMs: 0, role: "gateway", event: `request.${event}`, fields: { request } };
}

function plugin(event: string): JournalEntry {
  return { atMs: 0, role: "plugin", event, fields: { backend: "web" } };
}

it("counts a request as held until it is forwarded, and as in flight until it ends", () => {
  const figures = new TargetFigures();
  figures.note(told("arrived", "a"), "web");
  expect(figures.demand("web")).toEqual({ held: 1, inFlight: 0 });
  figures.note(told("proxied", "a"), "web");
  expect(figures.demand("web")).toEqual({ held: 0, inFlight: 1 });
  figures.note(told("answered", "a"), "web");
  expect(figures.demand("web")).toEqual({ held: 0, inFlight: 0 });
});

it("does not count what was refused, or began before counting did", () => {
  const figures = new TargetFigures();
  figures.note(told("arrived", "a"), "web");
  figures.note(told("answered", "a"), "web");
  figures.note(told("proxied", "b"), "web");
  expect(figures.demand("web")).toEqual({ held: 0, inFlight: 0 });
});

it("remembers a short peak until asked", () => {
  const figures = new TargetFigures();
  for (const request of ["a", "b"]) figures.note(told("arrived", request), "web");
  for (const request of ["a", "b"]) figures.note(told("answered", request), "web");
  expect(figures.takePeak("web")).toEqual({ held: 2, inFlight: 0 });
  expect(figures.takePeak("web")).toEqual({ held: 0, inFlight: 0 });
});

it("treats a backend as ready from its activation on, before the lease is known", async () => {
  const figures = new TargetFigures();
  figures.note(plugin("activation.started"), "web");
  expect(figures.activation("web")).toEqual({ state: "activating", leaseLeftMs: 0 });
  figures.note(plugin("activation.ready"), "web");
  expect(figures.activation("web")).toEqual({ state: "ready", leaseLeftMs: 0 });
  // Nothing answers there, so no lease is known.
  await figures.refreshLeases(1, new AbortController().signal);
  expect(figures.activation("web")).toEqual({ state: "cold", leaseLeftMs: 0 });
});

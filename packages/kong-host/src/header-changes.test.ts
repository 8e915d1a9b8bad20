import { expect, it } from "vitest";

import { HeaderChanges } from "./header-changes.ts";

it("makes the changes in order, whatever the case of names", () => {
  const changes = new HeaderChanges();
  changes.set("X-Set", ["1"]);
  changes.add("x-set", "2");
  changes.add("X-Added", "b");
  changes.clear("x-secret");
  changes.add("x-back", "gone");
  changes.clear("x-back");
  const before = { "x-set": "0", "x-added": "a", "x-secret": "s", "x-back": "b", host: "h" };
  expect(changes.applyTo(before)).toEqual({ "x-set": ["1", "2"], "x-added": ["a", "b"], host: "h" });
  expect(before["x-set"]).toBe("0");
});

import { expect, test } from "vitest";

import { RecentIds } from "./recent-ids.ts";

test("forgets the oldest id when it is full", () => {
  const ids = new RecentIds(2);
  for (const id of ["a", "b", "b", "c"]) ids.add(id);
  expect(["a", "b", "c"].map((id) => ids.has(id))).toEqual([false, true, true]);
});

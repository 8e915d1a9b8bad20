import { expect, test } from "vitest";

import { printable } from "./printable.ts";

test("writes out what would move a cursor, colour text or hide it, and leaves the rest", () => {
  expect(printable("a\u001B[2Jb\rc\u009Bd\u202Ee\u200Bf\nż 🙂")).toBe(
    "a\\u001b[2Jb\\u000dc\\u009bd\\u202ee\\u200bf\\u000aż 🙂",
  );
});

test("keeps line breaks where it is told to, and JSON means the same as before", () => {
  expect(printable("a\nb", { lines: true })).toBe("a\nb");
  const text = JSON.stringify({ name: "\u009B31m\u202Ex" });
  expect(JSON.parse(printable(text))).toEqual(JSON.parse(text));
});

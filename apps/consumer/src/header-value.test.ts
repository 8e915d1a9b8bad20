import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { toHeaderValue } from "./header-value.ts";

describe("toHeaderValue", () => {
  test.each([
    ["0b0f4f4e-5d0c-4b6a-9d70-1f8f3a1a1c11", "0b0f4f4e-5d0c-4b6a-9d70-1f8f3a1a1c11"],
    ['order/17?a=b,c;d"e', 'order/17?a=b,c;d"e'],
    ["заказ-17", "%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7-17"],
    ["a\r\nx: y", "a%0D%0Ax:%20y"],
    ["100%", "100%25"],
    ["", ""],
    ["x".repeat(513), expect.stringMatching(/^sha256:[\da-f]{64}$/)],
    ["ж".repeat(100), expect.stringMatching(/^sha256:[\da-f]{64}$/)],
  ])("writes %j as %j", (text, value) => {
    expect(toHeaderValue(text)).toEqual(value);
  });

  test("makes a valid header of any text, keeps it short, and keeps different texts different", () => {
    const text = fc.uint16Array({ maxLength: 40 }).map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(text, text, (one, other) => {
        const value = toHeaderValue(one);
        expect(new Headers({ key: value }).get("key")).toBe(value);
        expect(value.length).toBeLessThanOrEqual(512);
        expect(value === toHeaderValue(other)).toBe(one.toWellFormed() === other.toWellFormed());
      }),
    );
  });
});

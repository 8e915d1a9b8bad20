import type { BackendMatch } from "@kong-serverless/config";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { BackendRouter } from "./backend-router.ts";

const router = (...matches: BackendMatch[]) =>
  new BackendRouter(matches.map((match) => ({ match, backend: JSON.stringify(match) })));
const found = (match: BackendMatch) => JSON.stringify(match);

describe("BackendRouter", () => {
  test("needs nothing from the request if the only backend has neither target nor hosts", () => {
    expect(router({}).only).toBe("{}");
    expect(router({ target: "/a" }).only).toBeUndefined();
  });

  test("takes the longest target, on segment boundaries", () => {
    const several = router({ target: "/kong" }, { target: "/kong/consumer" }, { target: "/other" });
    expect(several.find("/kong/consumer/x", "")).toBe(found({ target: "/kong/consumer" }));
    expect(several.find("/kong/consumers", "")).toBe(found({ target: "/kong" }));
    expect(several.find("/kongfoo", "")).toBeUndefined();
    expect(several.find("/other", "")).toBe(found({ target: "/other" }));
  });

  test("takes an exact host before a wildcard before any, for the same target", () => {
    const several = router({}, { hosts: ["*.example.com"] }, { hosts: ["a.example.com"] });
    expect(several.find("/", "A.example.com")).toBe(found({ hosts: ["a.example.com"] }));
    expect(several.find("/", "b.example.com")).toBe(found({ hosts: ["*.example.com"] }));
    expect(several.find("/", "example.com")).toBe(found({}));
  });

  test("finds what a search by segments finds, whatever the paths", () => {
    const segments = fc.array(fc.constantFrom("a", "b", "ab", "c"), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(segments, { minLength: 1, maxLength: 6 }), segments, (targets, path) => {
        const isBelow = (target: string[]) => target.every((segment, index) => path[index] === segment);
        const longest = Math.max(-1, ...targets.filter(isBelow).map(({ length }) => length));
        const hit = router(...targets.map((target) => ({ target: `/${target.join("/")}` }))).find(
          `/${path.join("/")}`,
          "",
        );
        const target = hit === undefined ? undefined : (JSON.parse(hit) as BackendMatch).target;
        const length =
          target === undefined ? -1 : target.split("/").filter((segment) => segment !== "").length;
        expect(length).toBe(longest);
      }),
    );
  });
});

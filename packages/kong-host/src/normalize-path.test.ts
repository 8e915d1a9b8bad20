import { expect, it } from "vitest";

import { normalizePath } from "./normalize-path.ts";

it.each([
  ["/calls/a%20b", "/calls/a b"],
  ["/a/./b/../c", "/a/c"],
  ["/a/%2e%2e/b", "/b"],
  ["/a%2Fb", "/a%2Fb"],
  ["/a%2fb", "/a%2Fb"],
  ["//a///b/", "/a/b/"],
  ["/../../a", "/a"],
  ["/a/..", "/"],
  ["/a/b/..", "/a/"],
  ["/", "/"],
  ["/gr%C3%BCn", "/grün"],
  ["/100%", "/100%"],
])("shows %s as %s", (path, normalized) => {
  expect(normalizePath(path)).toBe(normalized);
});

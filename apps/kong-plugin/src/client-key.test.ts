import { expect, test } from "vitest";

import { clientKey } from "./client-key.ts";

test("a client is Kong's consumer, whatever its address", () => {
  expect(clientKey("alice", "192.0.2.1")).toBe(clientKey("alice", "2001:db8::1"));
  expect(clientKey("alice", "192.0.2.1")).not.toBe(clientKey("bob", "192.0.2.1"));
});

test("an IPv4 address is a client, in either notation", () => {
  expect(clientKey(undefined, "192.0.2.1")).not.toBe(clientKey(undefined, "192.0.2.2"));
  expect(clientKey(undefined, "::ffff:192.0.2.1")).not.toBe(clientKey(undefined, "::ffff:192.0.2.2"));
});

test("all IPv6 addresses of a /64 are one client", () => {
  const key = clientKey(undefined, "2001:db8:0:1::1");
  expect(clientKey(undefined, "2001:db8:0:1:ffff:ffff:ffff:ffff")).toBe(key);
  expect(clientKey(undefined, "2001:0DB8::1:0:0:0:2")).toBe(key);
  expect(clientKey(undefined, "2001:db8:0:2::1")).not.toBe(key);
  expect(clientKey(undefined, "::1")).not.toBe(key);
});

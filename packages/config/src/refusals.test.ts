import { type Need, needs } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { ConfigError } from "./parse.ts";
import { parsePluginConfig } from "./plugin-config.ts";

/** The admin API of a Kong that has loaded the plugin, in either form. */
const kong = process.env["KONG"];

const demo = { name: "demo", health: "/healthz", pubsub: "pubsub", topic: "wake-demo" };
const plugin = (backend: object, settings: object = {}) => ({ ...settings, backend: [backend] });

const accepted: [string, object][] = [
  [
    "a backend with everything",
    plugin({ ...demo, target: "/a", hosts: ["*.a-b.example"], upstream: "http://a:80/b" }),
  ],
  ["a backend without a name, whose topic is one", plugin({ health: "/", pubsub: "pubsub", topic: "wake" })],
  ["a name beside a topic that could not be one", plugin({ ...demo, topic: "Wake_Demo" })],
  ["a backend that is only held for", plugin({ name: "demo", health: "/" })],
  ["a backend that is only woken", plugin({ name: "demo", pubsub: "pubsub", topic: "wake" })],
  ["a header for probes", plugin(demo, { probeHeaders: { "x-token": "a b\tc" } })],
];

const refusedByKong: [string, object][] = [
  ["a topic without a pubsub", plugin({ ...demo, pubsub: undefined })],
  ["a pubsub without a topic", plugin({ ...demo, topic: undefined })],
  ["neither health nor topic", plugin({ name: "demo" })],
  ["neither name nor topic", plugin({ health: "/" })],
  [
    "a topic that cannot stand in for the name",
    plugin({ health: "/", pubsub: "pubsub", topic: "Wake_Demo" }),
  ],
  ["a topic that ends in - and has to stand in", plugin({ health: "/", pubsub: "pubsub", topic: "wake-" })],
  ["an upstream without health", plugin({ ...demo, health: undefined, upstream: "http://a" })],
  ["a name that ends in -", plugin({ ...demo, name: "demo-" })],
  ["a name in upper case", plugin({ ...demo, name: "Demo" })],
  ["an upstream with credentials", plugin({ ...demo, upstream: "http://user:secret@a" })],
  ["an upstream with a query", plugin({ ...demo, upstream: "http://a?b" })],
  ["a target without a slash", plugin({ ...demo, target: "a" })],
  ["a target with a query", plugin({ ...demo, target: "/a?b" })],
  ["a wildcard that is half a label", plugin({ ...demo, hosts: ["*a.example"] })],
  ["a wildcard of everything", plugin({ ...demo, hosts: ["*"] })],
  ["a wildcard in the middle", plugin({ ...demo, hosts: ["a.*.example"] })],
  ["a host with an empty label", plugin({ ...demo, hosts: ["a..example"] })],
  ["a host whose label begins with -", plugin({ ...demo, hosts: ["a.-b.example"] })],
  ["a host that ends in a dot", plugin({ ...demo, hosts: ["a.example."] })],
  ["a host with a port", plugin({ ...demo, hosts: ["a.example:80"] })],
  ["a header name with a space", plugin(demo, { probeHeaders: { "x token": "a" } })],
  ["a header value of more than one line", plugin(demo, { probeHeaders: { "x-token": "a\r\nb: c" } })],
  ["an unknown field", plugin(demo, { holdTimeout: 5 })],
  ["an unknown field of a backend", plugin({ ...demo, healthz: "/" })],
  ["a number out of range", plugin(demo, { interval: 1 })],
  ["no backend", { backend: [] }],
];

/** What no schema of Kong's can say: it accepts these, and the plugin answers their requests with CONFIG_REFUSED. */
const refusedByThePlugin: [string, object][] = [
  ["a lowest status above the highest", plugin(demo, { probeStatuses: { min: 300, max: 200 } })],
  ["probes that take longer than an hour", plugin(demo, { count: 1_000_000, interval: 60_000 })],
  ["one name for two backends", { backend: [demo, { ...demo, target: "/a", health: "/other" }] }],
  ["two backends for the same requests", { backend: [demo, { ...demo, name: "other" }] }],
  ["an upstream whose port is none", plugin({ ...demo, upstream: "http://a:99999" })],
];

const parse = (config: object) => parsePluginConfig(structuredClone(config), "test");

describe("the plugin", () => {
  test.each(accepted)("accepts %s", (_, config) => {
    expect(parse(config).backends).toHaveLength(1);
  });

  test.each([...refusedByKong, ...refusedByThePlugin])("refuses %s", (_, config) => {
    expect(() => parse(config)).toThrow(ConfigError);
  });
});

const realKong: Need = {
  what: "a real Kong",
  remedy: "start one with the plugin, and set KONG to the URL of its admin API",
  isMet: kong !== undefined,
};

describe("a real Kong", needs(realKong), () => {
  test.each([...accepted, ...refusedByThePlugin])("accepts %s", async (_, config) => {
    expect(await validate(config)).toEqual({ status: 200, message: expect.any(String) });
  });

  test.each(refusedByKong)("refuses %s", async (_, config) => {
    expect(await validate(config)).toEqual({
      status: 400,
      message: expect.stringContaining("schema violation"),
    });
  });
});

async function validate(config: object): Promise<{ status: number; message: string }> {
  const response = await fetch(`${kong}/schemas/plugins/validate`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "serverless", config }),
  });
  const { message } = (await response.json()) as { message: string };
  return { status: response.status, message };
}

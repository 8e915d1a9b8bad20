import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ConfigError } from "./parse.ts";
import { parsePluginConfig } from "./plugin-config.ts";

const source = "The configuration of plugin serverless";
const backend = { name: "demo", health: "/healthz", pubsub: "pubsub", topic: "wake-demo" };
const settingsOf = (config: object) =>
  parsePluginConfig({ backend: [backend], ...config }, source).backends[0]?.settings;

function issuesOf(config: unknown): readonly string[] {
  try {
    parsePluginConfig(config, source);
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
  return [];
}

describe("parsePluginConfig", () => {
  test("takes the original plugin's configuration verbatim", () => {
    const original = {
      count: 300,
      interval: 100,
      backend: [
        {
          target: "/kong/consumer",
          health: "/healthz",
          pubsub: "kong-serverless-plugin",
          topic: "kong-root-request",
        },
      ],
    };
    const { backends } = parsePluginConfig(original, source);
    expect(backends[0]?.match).toEqual({ target: "/kong/consumer" });
    expect(backends[0]?.settings).toMatchObject({
      name: "kong-root-request",
      health: "/healthz",
      wake: { pubsub: "kong-serverless-plugin", topic: "kong-root-request" },
      intervalMs: 100,
      holdTimeoutMs: 30_000,
    });
  });

  test("probes every 20 ms and holds for a minute when nothing is said", () => {
    expect(settingsOf({})).toMatchObject({ intervalMs: 20, holdTimeoutMs: 60_000 });
  });

  test("probes every 100 ms when only `count` is given, as the original", () => {
    expect(settingsOf({ count: 50 })).toMatchObject({ intervalMs: 100, holdTimeoutMs: 5000 });
  });

  test("lets `holdTimeoutMs` win over `count` times `interval`", () => {
    expect(settingsOf({ count: 300, interval: 50, holdTimeoutMs: 7000 })).toMatchObject({
      intervalMs: 50,
      holdTimeoutMs: 7000,
    });
  });

  test("leaves out what Kong adds and takes null and empty tables as absent", () => {
    const fromKong = {
      backend: [{ ...backend, target: null, hosts: {} }],
      count: null,
      probeHeaders: {},
      route_id: "1fbd6708",
      service_id: "7a7626e9",
      consumer_id: null,
      __seq__: 9,
      __key__: "plugins:serverless:1fbd6708::::0dc6f45b",
      __plugin_id: "9cfdde99",
    };
    expect(parsePluginConfig(fromKong, source)).toEqual(parsePluginConfig({ backend: [backend] }, source));
  });

  test.each([
    ["an unknown field", { backend: [backend], holdTimeout: 5 }, "holdTimeout: unknown field"],
    ["no backend", {}, "backend: missing"],
    ["a wrong type", { backend: [backend], interval: "20ms" }, 'interval: found "20ms"'],
    ["an upper-case name", { backend: [{ ...backend, name: "Demo" }] }, 'backend[0].name: found "Demo"'],
    [
      "a target without a slash",
      { backend: [{ ...backend, target: "kong" }] },
      'backend[0].target: found "kong"',
    ],
    [
      "a topic that is no name",
      { backend: [{ ...backend, name: null, topic: "a.b" }] },
      "backend[0].name: missing",
    ],
    ["a topic without pubsub", { backend: [{ ...backend, pubsub: null }] }, "backend[0].pubsub: missing"],
    ["nothing to do", { backend: [{ name: "demo" }] }, "backend[0].health: missing"],
    [
      "an upstream without health",
      { backend: [{ ...backend, health: null, upstream: "http://a" }] },
      "backend[0].health",
    ],
    [
      "credentials in an upstream",
      { backend: [{ ...backend, upstream: "http://u:p@a" }] },
      "backend[0].upstream",
    ],
    ["too long a hold", { backend: [backend], count: 40_000 }, "backend[0]: `count` probes"],
    [
      "statuses upside down",
      { backend: [backend], probeStatuses: { min: 400 } },
      "probeStatuses: found min 400",
    ],
    ["two backends for one path", { backend: [backend, backend] }, "backend[1]: found the same target"],
    [
      "one name for two backends",
      { backend: [backend, { ...backend, target: "/b", topic: "wake-b" }] },
      'backend[1].name: found "demo"',
    ],
  ])("refuses %s and says where", (_, config, expected) => {
    expect(issuesOf(config).join("\n")).toContain(expected);
  });

  test("does not show what may be a secret", () => {
    const [issue] = issuesOf({ backend: [backend], probeHeaders: { authorization: "Bearer geheim\u00fc" } });
    expect(issue).toBe("probeHeaders.authorization: must be at most 4096 characters of printable ASCII");
  });

  test("names 20 faults in 500 characters each, and counts the rest", () => {
    const faults = Array.from({ length: 100 }, () => ({ name: "X".repeat(5_000) }));
    const issues = issuesOf({ backend: faults });
    expect(issues).toHaveLength(21);
    expect(issues.at(-1)).toMatch(/^and \d+ more$/);
    for (const issue of issues) expect(issue.length).toBeLessThan(540);
  });

  test("answers nonsense with a ConfigError, whatever it is", () => {
    fc.assert(
      fc.property(fc.anything(), fc.jsonValue(), (anything, json) => {
        expect(issuesOf(anything)).not.toHaveLength(0);
        expect(issuesOf({ backend: [json], count: json })).not.toHaveLength(0);
      }),
    );
  });
});

const chained = (fields: object, ...others: object[]) => ({
  backend: [{ ...backend, ...fields }, ...others],
});

describe("chains in a configuration", () => {
  const store = { name: "store", health: "/ready", upstream: "http://store", routed: false };

  test("are taken as they are written, to names of other plugins too", () => {
    const { backends } = parsePluginConfig(
      chained({ alsoWake: ["elsewhere"], waitFor: ["store"] }, store),
      source,
    );
    expect(backends[0]?.settings).toMatchObject({ alsoWake: ["elsewhere"], waitFor: ["store"] });
    expect(backends.map(({ isRouted }) => isRouted)).toEqual([true, false]);
  });

  test("are refused when they have no end, and the cycle is named", () => {
    const cyclic = chained({ waitFor: ["store"] }, { ...store, alsoWake: ["demo"] });
    expect(issuesOf(cyclic)).toEqual([expect.stringContaining("the cycle demo -> store -> demo")]);
    expect(issuesOf(chained({ alsoWake: ["demo"] }))).toEqual([expect.stringContaining("demo -> demo")]);
  });

  test("may meet again without being a cycle", () => {
    const shared = { ...store, name: "shared" };
    const diamond = chained({ waitFor: ["store", "shared"] }, { ...store, waitFor: ["shared"] }, shared);
    expect(issuesOf(diamond)).toEqual([]);
  });

  test("cannot wait for what cannot be probed", () => {
    const { upstream: _, ...unknown } = store;
    expect(issuesOf(chained({ waitFor: ["store"] }, { ...unknown, target: "/s", routed: true }))).toEqual([
      expect.stringMatching(/backend\[0\]\.waitFor\[0\]: found "store".*`upstream`/),
    ]);
    const { health: __, ...silent } = backend;
    expect(issuesOf({ backend: [{ ...silent, waitFor: ["store"] }, store] })).toEqual([
      expect.stringMatching(/health: missing \(`waitFor`/),
    ]);
  });

  test("leave requests to the backends that are routed", () => {
    expect(issuesOf(chained({ alsoWake: ["store"] }, store, { ...store, name: "other" }))).toEqual([]);
    expect(issuesOf(chained({}, { ...store, target: "/store" }))).toEqual([
      expect.stringContaining("backend[1].routed: found false"),
    ]);
  });
});

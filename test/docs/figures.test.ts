import { describe, expect, test } from "vitest";
import { parse } from "yaml";

import { parsePluginConfig } from "../../packages/config/src/index.ts";
import { read } from "./markdown.ts";

const secondsOfMonth = 30 * 24 * 3600;
const sqsUsd = 0.4 / 1_000_000;
const snsUsd = 0.5 / 1_000_000;

const tuning = read("docs/tuning.md");

describe("docs/tuning.md", () => {
  const rows = [...tuning.matchAll(/^\| (\d+) s .*? \| [\d.]+ \/ \d+ s +\| ([\d,]+) +\| ([\d.]+) +\|$/gm)];

  test.each(rows.map(([, seconds, requests, usd]) => ({ seconds, requests, usd })))(
    "is right about the costs of polling every $seconds s",
    ({ seconds, requests, usd }) => {
      const computed = secondsOfMonth / Number(seconds);
      expect(requests).toBe(computed.toLocaleString("en-US"));
      expect(usd).toBe((computed * sqsUsd).toFixed(2));
    },
  );

  test("has a row for each polling interval that it mentions", () => {
    expect(rows.length).toBe(5);
  });

  test("is right about the costs of keep-warm messages and the HPA", () => {
    const messages = secondsOfMonth / 20;
    expect(tuning).toContain(`${messages.toLocaleString("en-US")} messages`);
    expect((messages * (sqsUsd + snsUsd)).toFixed(2)).toBe("0.12");
    const inOfficeHours = (22 * 8 * 3600) / 20;
    expect(tuning).toContain(inOfficeHours.toLocaleString("en-US"));
    expect((inOfficeHours * (sqsUsd + snsUsd)).toFixed(2)).toBe("0.03");
    expect(((secondsOfMonth / 15) * sqsUsd).toFixed(2)).toBe("0.07");
  });

  test("states the plugin's actual defaults", () => {
    const [backend] = parsePluginConfig({ backend: [{ name: "a", health: "/" }] }, "test").backends;
    expect(backend?.settings).toMatchObject({
      keepWarmIntervalMs: 20_000,
      wakeRepeatMs: 5000,
      readyLeaseMs: 2000,
      holdTimeoutMs: 60_000,
    });
    for (const told of [
      "`keepWarmIntervalMs`** (plugin, 20 s)",
      "`wakeRepeatMs`** (plugin, 5 s)",
      "`readyLeaseMs`** (plugin, 2 s)",
      "`holdTimeoutMs`** (plugin, 60 s)",
    ]) {
      expect(tuning).toContain(told);
    }
  });
});

test("docs/migrating.md shows a configuration of the original that is accepted, with the meaning that it states", () => {
  const [, yaml = ""] = /```yaml\n(.*?)```/s.exec(read("docs/migrating.md")) ?? [];
  const { config } = parse(yaml) as { config: unknown };
  expect(parsePluginConfig(config, "docs/migrating.md").backends).toMatchObject([
    { match: { target: "/kong/consumer" }, settings: { intervalMs: 100, holdTimeoutMs: 30_000 } },
  ]);
});

import { beforeAll, describe, expect, test } from "vitest";

import { readDashboard, readQueries } from "./component.ts";
import { exportedSeries, type ExportedSeries } from "./exported-metrics.ts";
import { type LabelMatcher, readQuery } from "./promql.ts";

/** What others export, with the labels that queries use: Prometheus itself, and kube-state-metrics. */
const foreign: ExportedSeries = new Map([
  ["up", new Map()],
  ["kube_deployment_status_replicas", new Map([["deployment", new Set<string>()]])],
]);

/** Labels that Prometheus puts on every series for the target it came from. */
const targetLabels = ["job", "instance", "namespace", "pod", "container", "service", "endpoint"];

let own: ExportedSeries;
beforeAll(async () => {
  own = await exportedSeries();
});

const labelsOf = (metric: string) => [
  ...((own.get(metric) ?? foreign.get(metric))?.keys() ?? []),
  ...targetLabels,
];

describe.each(readQueries())("%s", (_name, query) => {
  test("asks for metrics that are exported", () => {
    const { selectors } = readQuery(query);
    expect(selectors.length).toBeGreaterThan(0);
    for (const { metric } of selectors) expect([...own.keys(), ...foreign.keys()]).toContain(metric);
  });

  test("matches labels that these metrics have, and values that they take where those are ours", () => {
    for (const { metric, matchers } of readQuery(query).selectors) {
      for (const matcher of matchers) {
        expect(labelsOf(metric)).toContain(matcher.label);
        expect(unmatched(matcher, own.get(metric)?.get(matcher.label))).toEqual([]);
      }
    }
  });

  test("groups by labels that there are", () => {
    const { selectors, groupings, made } = readQuery(query);
    const labels = [...selectors.flatMap(({ metric }) => labelsOf(metric)), ...made];
    for (const label of groupings) expect(labels).toContain(label);
  });
});

test("the dashboard's choice of backends comes from a metric and label that are exported", () => {
  const choices = readDashboard().templating.list.flatMap(({ query }) =>
    typeof query === "string" ? [] : [query.query],
  );
  expect(choices).toHaveLength(1);
  for (const choice of choices) {
    const [, metric = "", label] = /^label_values\((\w+), (\w+)\)$/.exec(choice) ?? [];
    expect(labelsOf(metric)).toContain(label);
    expect([...own.keys()]).toContain(metric);
  }
});

test("every series that the apps export is on the dashboard", () => {
  const asked = new Set(
    readQueries().flatMap(([, query]) => readQuery(query).selectors.map(({ metric }) => metric)),
  );
  const isAsked = (series: string) => {
    const histogram = series.replace(/_(bucket|sum|count)$/, "");
    return [series, `${histogram}_bucket`].some((name) => asked.has(name));
  };
  expect([...own.keys()].filter((series) => !isAsked(series))).toEqual([]);
});

/** What the matcher asks for and no value is: each alternative of `a|b`, or a whole pattern. `$backend` is anything. */
function unmatched({ operator, value }: LabelMatcher, known: ReadonlySet<string> | undefined): string[] {
  if (known === undefined || value.startsWith("$")) return [];
  const values = [...known];
  if (operator === "=" || operator === "!=") return values.includes(value) ? [] : [value];
  const alternatives = /^[\w|]+$/.test(value) ? value.split("|") : [value];
  return alternatives.filter((pattern) => !values.some((one) => new RegExp(`^(?:${pattern})$`).test(one)));
}

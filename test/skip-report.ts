import type { Reporter, TestCase, TestModule, TestSuite } from "vitest/node";

/** Says at the end of a run what was missing for the tests that it skipped, and how to get it. */
export default class SkipReport implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const report = skipReport(modules);
    if (report !== "") process.stdout.write(`\n${report}\n`);
  }
}

/** One line for each thing that was missing, the most missed one first; empty where nothing was. */
export function skipReport(modules: Iterable<TestModule>): string {
  const counts = new Map<string, number>();
  for (const module of modules) {
    for (const test of module.children.allTests("skipped")) {
      const missing = missingFor(test);
      if (missing !== undefined) counts.set(missing, (counts.get(missing) ?? 0) + 1);
    }
  }
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(
      ([missing, count]) =>
        `Skipped ${count} ${count === 1 ? "test, which needs" : "tests, which need"} ${missing}`,
    )
    .join("\n");
}

/** What the test itself needs, or else the nearest suite around it. */
function missingFor(test: TestCase): string | undefined {
  let place: TestCase | TestSuite | TestModule = test;
  while (place.type !== "module") {
    const { missing } = place.meta();
    if (missing !== undefined) return missing;
    place = place.parent;
  }
  return undefined;
}

import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import { describe, expect, test } from "vitest";

import { readAlerts } from "../observability/component.ts";
import { anchorsOf, linksOf, markdownFiles, read, root } from "./markdown.ts";

/** What is wrong with a link to one of our pages or to an anchor of this one; undefined if it is fine. */
function fault(file: string, target: string): string | undefined {
  if (/^[a-z]+:/.test(target)) return undefined;
  const [path = "", anchor] = target.split("#");
  const there = path === "" ? file : relative(root, join(root, dirname(file), path));
  if (!existsSync(join(root, there))) return `${there} does not exist`;
  if (anchor === undefined || !there.endsWith(".md")) return undefined;
  return anchorsOf(read(there)).has(anchor) ? undefined : `${there} has no heading for #${anchor}`;
}

describe.each(markdownFiles())("%s", (file) => {
  test("has no dead links", () => {
    const faults = linksOf(read(file)).flatMap(({ target, line }) => {
      const what = fault(file, target);
      return what === undefined ? [] : [`line ${line}: ${what}`];
    });
    expect(faults).toEqual([]);
  });
});

test("docs/README.md leads to every page beside it", () => {
  const linked = linksOf(read("docs/README.md")).map(({ target }) => target.split("#")[0]);
  const pages = markdownFiles().filter((file) => /^docs\/[^/]+$/.test(file) && file !== "docs/README.md");
  for (const page of pages) expect(linked).toContain(page.replace("docs/", ""));
});

test("every alert's runbook is an existing section", () => {
  for (const { annotations } of readAlerts()) {
    expect(fault("README.md", annotations["runbook"] ?? "")).toBeUndefined();
  }
});

test("an anchor is a heading as GitHub spells it", () => {
  expect([...anchorsOf("# `a.b` and *c*: 1..N\n\n## Twice\n\n## Twice\n\n    # no heading")]).toEqual([
    "ab-and-c-1n",
    "twice",
    "twice-1",
  ]);
});

test("the architecture names the file of each behaviour", () => {
  const [, table = ""] = read("docs/architecture.md").split("## Where it happens");
  const rows =
    table
      .split("\n## ")[0]
      ?.split("\n")
      .filter((line) => line.startsWith("| ")) ?? [];
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows.slice(2))
    expect(linksOf(row)).toEqual([{ target: expect.stringMatching(/^\.\.\/.+\.(?:ts|lua)$/), line: 1 }]);
});

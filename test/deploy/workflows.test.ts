import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const workspace = join(import.meta.dirname, "../..");
const folder = join(workspace, ".github/workflows");
const workflows = await Promise.all(
  (await readdir(folder)).map(async (name) => ({ name, text: await readFile(join(folder, name), "utf8") })),
);

interface Release {
  readonly jobs: {
    readonly images: { readonly strategy: { readonly matrix: { readonly target: string[] } } };
  };
}

describe.each(workflows)("$name", ({ text }) => {
  it("pins every action by commit: a tag can be moved", () => {
    const used = [...text.matchAll(/uses: *(\S+)/g)].map(([, action = ""]) => action);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });
});

it("every image of a manifest is one that a release pushes", async () => {
  const release = parse(await readFile(join(folder, "release.yaml"), "utf8")) as Release;
  const pushed = release.jobs.images.strategy.matrix.target;
  const dockerfile = await readFile(join(workspace, "deploy/images/Dockerfile"), "utf8");
  const targets = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, target]) => target);
  expect(targets).toEqual(expect.arrayContaining(pushed));

  const files = await readdir(join(workspace, "deploy"), { recursive: true });
  const manifests = files.filter((file) => file.endsWith(".yaml") && !file.includes("overlays/dev/"));
  const texts = await Promise.all(manifests.map((file) => readFile(join(workspace, "deploy", file), "utf8")));
  const named = texts.flatMap((text) =>
    [...text.matchAll(/(?:image|name): kong-serverless\/([a-z-]+)/g)].map(([, image]) => image),
  );
  expect(named).toContain("consumer");
  expect(pushed).toEqual(expect.arrayContaining(named));
});

import { execFileSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const workspace = join(import.meta.dirname, "../..");
const folder = join(workspace, ".github/workflows");
const workflows = await Promise.all(
  (await readdir(folder)).map(async (name) => ({ name, text: await readFile(join(folder, name), "utf8") })),
);

interface WorkflowStep {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Release {
  readonly jobs: {
    readonly images: {
      readonly permissions: Readonly<Record<string, string>>;
      readonly strategy: { readonly matrix: { readonly target: string[] } };
      readonly steps: readonly WorkflowStep[];
    };
  };
}
interface Images {
  readonly images: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[];
}
const images = async () =>
  (parse(await readFile(join(workspace, "deploy/images/kustomization.yaml"), "utf8")) as Images).images;
const release = parse(await readFile(join(folder, "release.yaml"), "utf8")) as Release;

describe.each(workflows)("$name", ({ text }) => {
  it("pins every action by commit: a tag can be moved", () => {
    const used = [...text.matchAll(/uses: *(\S+)/g)].map(([, action = ""]) => action);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });
});

it("every image of a manifest is one that a release pushes", async () => {
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

describe("a release", () => {
  const { steps, strategy, permissions } = release.jobs.images;
  const step = (action: string) => steps.find(({ uses = "" }) => uses.startsWith(action));

  it("pushes what deploy/images/kustomization.yaml names, under the version of the packages", async () => {
    const { version } = JSON.parse(
      await readFile(join(workspace, "packages/runtime/package.json"), "utf8"),
    ) as { version: string };
    const named = await images();
    expect(named.map(({ name }) => name).toSorted()).toEqual(
      strategy.matrix.target.map((target) => `kong-serverless/${target}`).toSorted(),
    );
    expect(new Set(named.map(({ newTag }) => newTag))).toEqual(new Set([`v${version}`]));
    expect(step("docker/build-push-action")?.with).toMatchObject({
      target: "${{ matrix.target }}",
      tags: "${{ steps.name.outputs.image }}:${{ github.ref_name }}",
    });
  });

  it("builds for two architectures, with provenance and SBOM, and signs what it has pushed by its digest", () => {
    expect(step("docker/build-push-action")?.with).toMatchObject({
      platforms: "linux/amd64,linux/arm64",
      provenance: "mode=max",
      sbom: true,
      push: true,
    });
    const sign = steps.at(-1);
    expect(sign?.run).toBe('cosign sign --yes "$IMAGE@$DIGEST"');
    expect(sign?.env).toEqual({
      IMAGE: "${{ steps.name.outputs.image }}",
      DIGEST: "${{ steps.push.outputs.digest }}",
    });
    expect(permissions["id-token"]).toBe("write");
  });

  it.each([
    ["kong-serverless/kong-plugin", ""],
    ["registry.example.com/team/kong-plugin", "registry.example.com"],
    ["localhost:5000/kong-plugin", "localhost:5000"],
  ])("signs in to the registry of %s: %s", (image, registry) => {
    const line = steps
      .find(({ id }) => id === "name")
      ?.run?.split("\n")
      .find((text) => text.includes("registry="));
    const output = execFileSync("bash", ["-c", `image=${image}; ${line?.replace(/ >> .*/, "")}`], {
      encoding: "utf8",
      timeout: 10_000,
    });
    expect(output).toBe(`registry=${registry}\n`);
  });
});

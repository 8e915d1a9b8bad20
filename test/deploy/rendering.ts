import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findKustomize, kustomize } from "@kong-serverless/testing";
import { parseAllDocuments, parseDocument } from "yaml";

export const root = join(import.meta.dirname, "../..");

/** The parts of a rendered object that these tests look at. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

const overlays = ["dev", "live", "staging"] as const;
const components = [
  "chain",
  "demand-only",
  "fair-jobs",
  "instant-wake",
  "observability",
  "pod-probes",
  "rabbitmq",
] as const;

/**
 * What is rendered: the base, each component on the base, components that affect each other, each overlay, and overlays
 * with one more component.
 */
export const renderings = [
  "base",
  ...components.map((name) => `base with ${name}`),
  "base with chain, instant-wake",
  ...overlays.map((name) => `overlay ${name}`),
  "overlay dev with fair-jobs",
  "overlay staging with fair-jobs",
] as const;

/** The command that renders a folder. Throws if GitHub's runner has none: these tests may not be skipped there. */
export function requireKustomize(): readonly string[] | undefined {
  const found = findKustomize();
  if (found === undefined && process.env["GITHUB_ACTIONS"] !== undefined)
    throw new Error(`The runner has no ${kustomize().what}`);
  return found;
}

/** Renders everything in a copy of deploy/ in which the passwords that Git ignores are those of the examples. */
export function renderAll(command: readonly string[]): ReadonlyMap<string, KubernetesObject[]> {
  const folder = mkdtempSync(join(tmpdir(), "deploy-"));
  try {
    cpSync(join(root, "deploy"), join(folder, "deploy"), { recursive: true });
    for (const example of globSync("deploy/**/*.example", { cwd: folder })) {
      copyFileSync(join(folder, example), join(folder, example.replace(/\.example$/, "")));
    }
    return new Map(renderings.map((name) => [name, render(command, folderOf(name, folder))]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function folderOf(rendering: string, folder: string): string {
  const [, kind = "", name = ""] = /^(\w+)(?: (?:with )?(.*))?$/.exec(rendering) ?? [];
  if (kind === "overlay") return overlayOf(name, join(folder, "deploy/overlays"));
  if (name === "") return join(folder, "deploy/base");
  const together = join(folder, "deploy/together", name);
  mkdirSync(together, { recursive: true });
  writeFileSync(
    join(together, "kustomization.yaml"),
    `resources: [../../base]\ncomponents: [${name
      .split(", ")
      .map((component) => `../../components/${component}`)
      .join(", ")}]\n`,
  );
  return together;
}

/** An overlay, or a copy of it that lists one more component. */
function overlayOf(name: string, folder: string): string {
  const [overlay = "", component] = name.split(" with ");
  if (component === undefined) return join(folder, overlay);
  const copy = join(folder, `${overlay}-${component}`);
  cpSync(join(folder, overlay), copy, { recursive: true });
  const file = join(copy, "kustomization.yaml");
  const document = parseDocument(readFileSync(file, "utf8"));
  const { components: listed = [] } = document.toJS() as { components?: string[] };
  document.set("components", [...listed, `../../components/${component}`]);
  writeFileSync(file, document.toString());
  return copy;
}

export function render([command = "", ...parameters]: readonly string[], folder: string): KubernetesObject[] {
  const text = execFileSync(command, [...parameters, folder], { encoding: "utf8", timeout: 60_000 });
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}

/** `Deployment kong-serverless/consumer` */
export function titleOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;
}

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type KubernetesObject, root } from "./rendering.ts";

const typesFolder = join(root, "node_modules/kubernetes-types");

/** Whether an object is of Kubernetes itself, and not of a custom resource definition. */
export function isKubernetes({ apiVersion }: KubernetesObject): boolean {
  const path = modulePath(apiVersion);
  return path !== undefined && existsSync(join(typesFolder, `${path}.d.ts`));
}

/**
 * What is wrong with objects of Kubernetes' own kinds: fields that a kind does not have, that have another type, that
 * are missing. Each object becomes a TypeScript constant of its kind's type, which the compiler checks, as it is strict
 * about literals. It reports one fault of an object at a time.
 */
export function typeFaultsOf(
  objects: readonly (readonly [title: string, object: KubernetesObject])[],
): string[] {
  const folder = mkdtempSync(join(tmpdir(), "kubernetes-kinds-"));
  try {
    objects.forEach(([, object], index) => writeFileSync(join(folder, `${index}.ts`), toSource(object)));
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
    const { status, stdout, stderr } = spawnSync(join(root, "node_modules/.bin/tsc"), ["--pretty", "false"], {
      cwd: folder,
      encoding: "utf8",
      timeout: 60_000,
    });
    if (status === null) throw new Error(`the compiler did not run: ${stderr}`);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replace(/^(\d+)\.ts\S*/, (_, index: string) => `${objects[Number(index)]?.[0]}:`));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const tsconfig = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: "esnext",
    moduleResolution: "bundler",
    types: [],
    paths: { "kubernetes-types/*": [`${typesFolder}/*`] },
  },
};

function toSource(object: KubernetesObject): string {
  return `import type { ${object.kind} } from "kubernetes-types/${modulePath(object.apiVersion)}";
export const object: ${object.kind} = ${JSON.stringify(object, undefined, 1)};
`;
}

/** `apps/v1`; `v1` -> `core/v1`; `networking.k8s.io/v1` -> `networking/v1`. Undefined for a third-party group. */
function modulePath(apiVersion: string): string | undefined {
  const [, group = "core", version] = /^(?:([a-z]+)(?:\.[a-z.]*k8s\.io)?\/)?(v\w+)$/.exec(apiVersion) ?? [];
  return version === undefined ? undefined : `${group}/${version}`;
}

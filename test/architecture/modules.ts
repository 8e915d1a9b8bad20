import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { parseSync, Visitor } from "oxc-parser";

/** A source file and what it uses from outside itself. */
export interface Module {
  /** From the workspace's root. */
  readonly path: string;
  /** As written: `./queue.ts`, `node:fs`, `@kong-serverless/config`. */
  readonly imports: readonly string[];
  /** Names of the environment variables that it reads. */
  readonly variables: readonly string[];
}

/** One folder below apps/ or packages/. */
export interface Package {
  readonly name: string;
  readonly path: string;
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
}

export interface Workspace {
  readonly packages: readonly Package[];
  readonly modules: readonly Module[];
}

export function readWorkspace(root: string): Workspace {
  const manifests = globSync("{apps,packages}/*/package.json", { cwd: root });
  const sources = globSync("{apps,packages}/*/src/**/*.ts", { cwd: root }).toSorted();
  return {
    packages: manifests.map((path) => {
      const manifest = JSON.parse(readFileSync(join(root, path), "utf8")) as PackageManifest;
      const { name, dependencies = {}, devDependencies = {} } = manifest;
      return {
        name,
        path: dirname(path),
        dependencies: Object.keys(dependencies),
        devDependencies: Object.keys(devDependencies),
      };
    }),
    modules: sources.map((path) => parseModule(path, readFileSync(join(root, path), "utf8"))),
  };
}

interface PackageManifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export function parseModule(path: string, source: string): Module {
  const parsed = parseSync(path, source);
  const imports = parsed.module.staticImports.map(({ moduleRequest }) => moduleRequest.value);
  for (const { entries } of parsed.module.staticExports) {
    for (const { moduleRequest } of entries) if (moduleRequest !== null) imports.push(moduleRequest.value);
  }
  const variables = new Set<string>();
  // Parsed lazily: walking every file's tree would take ten times as long.
  if (!/process\.env|import\(/.test(source)) return { path, imports, variables: [] };
  const isEnvironment = (node: object | null) => node !== null && textOf(node, source) === "process.env";
  new Visitor({
    ImportExpression: ({ source: { type, ...from } }) => {
      if (type === "Literal" && "value" in from) imports.push(String(from.value));
    },
    TSImportType: ({ source: { value } }) => {
      imports.push(value);
    },
    MemberExpression: ({ object, property }) => {
      if (!isEnvironment(object)) return;
      variables.add(property.type === "Literal" ? String(property.value) : textOf(property, source));
    },
    VariableDeclarator: ({ id, init }) => {
      if (!isEnvironment(init) || id.type !== "ObjectPattern") return;
      for (const property of id.properties) {
        if (property.type === "Property") variables.add(textOf(property.key, source));
      }
    },
  }).visit(parsed.program);
  return { path, imports, variables: [...variables] };
}

function textOf(node: object, source: string): string {
  const { start, end } = node as { start: number; end: number };
  return source.slice(start, end);
}

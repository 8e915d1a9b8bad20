import { dirname, join } from "node:path";

import type { Workspace } from "./modules.ts";

const scope = "@kong-serverless/";

/** What the domain and everything below it must not use. */
const outsideTheDomain = [
  /^(?:@kong-serverless\/)?kong-(?:pdk|host|protocol|plugin)/,
  /^@kong-serverless\/(?:plugin-server|lua-plugin|dapr-publisher|keda-scaler|kubernetes-watch|sqs-worker|manifests)/,
  /^@(?:dapr|aws-sdk|smithy|kubernetes)\//,
];

/**
 * The faults of a workspace, each as one sentence. Circles among files are left to the linter (`import/no-cycle`),
 * unused and undeclared dependencies to knip.
 */
export function faultsOf(workspace: Workspace): string[] {
  return [
    ...faultsOfImports(workspace),
    ...faultsOfTheDomain(workspace),
    ...circles(packageGraph(workspace)),
    ...faultsOfEnvironment(workspace),
    ...faultsOfDependencies(workspace),
  ];
}

function* faultsOfImports({ packages, modules }: Workspace): Generator<string> {
  for (const { path, imports } of modules) {
    const home = folderOf(path);
    for (const specifier of imports) {
      const target = packages.find(({ name }) => name === packageName(specifier));
      const folder = isRelative(specifier) ? folderOf(join(dirname(path), specifier)) : target?.path;
      if (folder === undefined) continue;
      if (isRelative(specifier) && folder !== home) {
        yield `${path} imports ${specifier}: another package is imported by its name`;
      }
      if (home.startsWith("packages/") && folder.startsWith("apps/")) {
        yield `${path} imports ${specifier}: a package may not use an app`;
      }
    }
  }
}

function* faultsOfTheDomain({ packages, modules }: Workspace): Generator<string> {
  const reached = new Set([`${scope}activator`]);
  for (const name of reached) {
    const home = packages.find((each) => each.name === name)?.path;
    for (const { path, imports } of modules) {
      if (home === undefined || folderOf(path) !== home || isTest(path)) continue;
      for (const specifier of imports) {
        if (outsideTheDomain.some((pattern) => pattern.test(specifier))) {
          yield `${path} imports ${specifier}: the activator and what it uses know no Kong, Dapr, AWS or Kubernetes`;
        } else if (specifier.startsWith(scope)) reached.add(packageName(specifier));
      }
    }
  }
}

function* faultsOfEnvironment({ modules }: Workspace): Generator<string> {
  for (const { path, variables } of modules) {
    if (path.startsWith("packages/config/") || path.startsWith("packages/testing/") || isTest(path)) continue;
    for (const name of variables) {
      // A child process gets the PATH of its parent.
      if (name !== "PATH") yield `${path} reads ${name}: environment variables are read in packages/config`;
    }
  }
}

/** Whether a dependency of a package is needed by its users or only by its tests. */
function* faultsOfDependencies({ packages, modules }: Workspace): Generator<string> {
  for (const { name, path: home, dependencies, devDependencies } of packages) {
    if (!home.startsWith("packages/")) continue;
    const used = new Set(
      modules
        .filter(({ path }) => folderOf(path) === home && !isTest(path))
        .flatMap(({ imports }) => imports.map(packageName)),
    );
    for (const each of dependencies) {
      if (!used.has(each)) yield `${name} declares ${each} as a dependency: only its tests use it`;
    }
    for (const each of devDependencies) {
      if (used.has(each)) yield `${name} declares ${each} as a devDependency: its users need it too`;
    }
  }
}

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

function packageGraph({ packages, modules }: Workspace): Graph {
  const graph = new Map(packages.map(({ name }) => [name, new Set<string>()]));
  for (const { path, imports } of modules) {
    const { name = "" } = packages.find((each) => each.path === folderOf(path)) ?? {};
    for (const specifier of imports) {
      const target = packageName(specifier);
      if (graph.has(target) && target !== name) graph.get(name)?.add(target);
    }
  }
  return graph;
}

/** Each circle once, as the names on it. */
function* circles(graph: Graph): Generator<string> {
  const finished = new Set<string>();
  const path: string[] = [];
  function* visit(node: string): Generator<string> {
    if (finished.has(node)) return;
    const start = path.indexOf(node);
    if (start >= 0) {
      yield `${[...path.slice(start), node].join(" -> ")}: imports go in a circle`;
      return;
    }
    path.push(node);
    for (const next of graph.get(node) ?? []) yield* visit(next);
    path.pop();
    finished.add(node);
  }
  for (const node of graph.keys()) yield* visit(node);
}

function isTest(path: string): boolean {
  return /\.test\.ts$|\/(?:testing|fixtures)\//.test(path.replace(/^packages\/testing\//, ""));
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith(".");
}

/** `packages/config` of `packages/config/src/parse.ts`. */
function folderOf(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}

/** `@scope/name` of `@scope/name/part`. */
function packageName(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

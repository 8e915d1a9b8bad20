import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { type Package, parseModule, readWorkspace } from "./architecture/modules.ts";
import { faultsOf } from "./architecture/rules.ts";

test("apps import packages, packages import each other by name, and settings are read in packages/config", () => {
  const workspace = readWorkspace(join(import.meta.dirname, ".."));
  expect(workspace.packages.length).toBeGreaterThan(15);
  expect(workspace.modules.length).toBeGreaterThan(400);
  expect(faultsOf(workspace)).toEqual([]);
});

/** Packages `a`, `config`, `activator` and the app `shop`, with these sources. */
function faultsOfSources(
  sources: Readonly<Record<string, string>>,
  declared: Partial<Package> = {},
): string[] {
  const paths = ["packages/a", "packages/config", "packages/activator", "apps/shop"];
  return faultsOf({
    packages: paths.map((path) => ({
      name: path.replace(/^\w+/, "@kong-serverless"),
      path,
      dependencies: path === "packages/a" ? (declared.dependencies ?? []) : [],
      devDependencies: path === "packages/a" ? (declared.devDependencies ?? []) : [],
    })),
    modules: Object.entries(sources).map(([path, source]) => parseModule(path, source)),
  });
}

describe("finds a fault if", () => {
  test.each([
    "import { shop } from '@kong-serverless/shop';",
    "export * from '@kong-serverless/shop';",
    "await import('@kong-serverless/shop/main');",
    "type Shop = import('@kong-serverless/shop').Shop;",
  ])("a package uses an app: %s", (source) => {
    expect(faultsOfSources({ "packages/a/src/a.ts": source })).toEqual([
      expect.stringContaining("a package may not use an app"),
    ]);
  });

  test("another package is imported by its path", () => {
    const source = 'import { read } from "../../../packages/config/src/read.ts";';
    expect(faultsOfSources({ "apps/shop/src/main.ts": source })).toEqual([
      "apps/shop/src/main.ts imports ../../../packages/config/src/read.ts: another package is imported by its name",
    ]);
  });

  test("packages need each other, if only for their types", () => {
    expect(
      faultsOfSources({
        "packages/a/src/a.ts": 'import type { Setting } from "@kong-serverless/config";',
        "packages/config/src/b.test.ts": 'export { a } from "@kong-serverless/a";',
      }),
    ).toEqual([
      "@kong-serverless/a -> @kong-serverless/config -> @kong-serverless/a: imports go in a circle",
    ]);
  });

  test.each([
    "@dapr/dapr",
    "@aws-sdk/client-sqs",
    "@kubernetes/client-node",
    "kong-pdk",
    "@kong-serverless/kong-host",
  ])("the activator knows %s through a package that it uses", (name) => {
    const faults = faultsOfSources({
      "packages/activator/src/activator.ts": 'import { a } from "@kong-serverless/a";',
      "packages/a/src/a.ts": `import "${name}";`,
      "packages/a/src/testing/fake.ts": `import "${name}";`,
    });
    expect(faults).toEqual([expect.stringMatching(/^packages\/a\/src\/a\.ts imports .* know no Kong/)]);
  });

  test.each([
    "process.env.PORT;",
    'process.env["PORT"];',
    "const { PORT = 1 } = process.env;",
    "const { PORT: port } = process.env;",
  ])("an environment variable is read outside packages/config: %s", (source) => {
    const path = "packages/a/src/a.ts";
    const fault = `${path} reads PORT: environment variables are read in packages/config`;
    expect(faultsOfSources({ [path]: source })).toEqual([fault]);
    expect(
      faultsOfSources({ "packages/config/src/a.ts": source, "packages/a/src/a.test.ts": source }),
    ).toEqual([]);
  });

  test("only tests use a dependency, or users need a devDependency", () => {
    const sources = {
      "packages/a/src/a.ts": 'import "zod/mini";',
      "packages/a/src/a.test.ts": 'import "yaml";',
    };
    expect(faultsOfSources(sources, { dependencies: ["yaml"], devDependencies: ["zod"] })).toEqual([
      "@kong-serverless/a declares yaml as a dependency: only its tests use it",
      "@kong-serverless/a declares zod as a devDependency: its users need it too",
    ]);
    expect(faultsOfSources(sources, { dependencies: ["zod"], devDependencies: ["yaml"] })).toEqual([]);
  });
});

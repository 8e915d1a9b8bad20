import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { read, root } from "./markdown.ts";

const run = promisify(execFile);
const readmes = globSync("{packages,apps}/*/README.md", { cwd: root }).toSorted();

/**
 * A README's examples that run from the sources: those of published packages are JavaScript, which `test:packages`
 * runs.
 */
const examples = readmes.flatMap((readme) => {
  const folder = dirname(readme);
  const found = read(readme).matchAll(/^```ts\n(.*?)^```$.*?^```text\n(.*?)^```$/gms);
  return [...found].map(([, code = "", output = ""], index) => ({
    folder,
    fileName: `${basename(folder)}-${index}.ts`,
    code,
    output,
  }));
});

test("every package and app has a README", () => {
  const folders = globSync("{packages,apps}/*/package.json", { cwd: root }).map((path) =>
    path.replace("package.json", "README.md"),
  );
  expect(readmes).toEqual(expect.arrayContaining(folders));
});

test.each(readmes)("%s is at most 40 lines long", (readme) => {
  expect(read(readme).trimEnd().split("\n").length).toBeLessThanOrEqual(40);
});

describe("an example in TypeScript", () => {
  test.each(examples)("of $folder prints what it says", async ({ folder, code, output }) => {
    const { stdout } = await run(process.execPath, ["--input-type=module-typescript", "--eval", code], {
      // A package may import itself by its name.
      cwd: join(root, folder),
      env: { ...process.env, NO_COLOR: "1" },
      timeout: 55_000,
    });
    expect(stdout).toBe(output);
  });

  test("has no error of types", { timeout: 60_000 }, async () => {
    expect(examples).not.toEqual([]);
    const folder = await mkdtemp(join(root, "node_modules/.readmes-"));
    try {
      for (const { fileName, code } of examples) await writeFile(join(folder, fileName), code);
      const compilerOptions = {
        // `testing` adds to vitest's types.
        types: ["node", "vitest"],
        paths: Object.fromEntries(packagePaths()),
      };
      const config = {
        extends: join(root, "tsconfig.base.json"),
        compilerOptions,
        files: examples.map(({ fileName }) => fileName),
      };
      await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
      await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
      const faults = await run(join(root, "node_modules/.bin/tsc"), ["-p", folder]).then(
        () => "",
        ({ stdout }: { readonly stdout: string }) => stdout,
      );
      expect(faults).toBe("");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** The source file of each package's entry points. */
function packagePaths(): [string, string[]][] {
  return globSync("packages/*/package.json", { cwd: root }).flatMap((path) => {
    const { name, exports } = JSON.parse(read(path)) as {
      readonly name: string;
      readonly exports: Readonly<Record<string, string>>;
    };
    const folder = join(root, path, "..");
    return Object.entries(exports).map(([entry, file]): [string, string[]] => [
      join(name, entry),
      [join(folder, file)],
    ]);
  });
}

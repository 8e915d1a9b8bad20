import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { runCli } from "./testing/run-cli.ts";
import { workspaceRoot } from "./testing/workspace-root.ts";

test("the README's example prints what it says", async () => {
  const readme = await readFile(join(workspaceRoot, "apps/cli/README.md"), "utf8");
  const block = (language: string) =>
    new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms").exec(readme)?.[1] ?? "";
  await using folder = await mkdtempDisposable(join(tmpdir(), "readme-"));
  await writeFile(join(folder.path, "plugin.yaml"), block("yaml"));
  const [program, ...words] = block("sh").trim().split(" ");
  expect(program).toBe("kong-serverless");
  const { stdout, code } = await runCli(words, { cwd: folder.path });
  expect(stdout).toBe(block("text"));
  expect(code).toBe(1);
});

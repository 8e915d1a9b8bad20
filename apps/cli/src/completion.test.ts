import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { canRun, needs } from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { ShellName } from "./completion.ts";
import { runCli } from "./testing/run-cli.ts";

const run = promisify(execFile);
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "completion-"));
  await writeFile(join(folder, "app.yaml"), "");
});
afterAll(() => rm(folder, { recursive: true }));

/** Asks a real shell that has sourced the script for completions of a line. */
async function complete(shell: ShellName, line: string): Promise<string[]> {
  const script = join(folder, `script.${shell}`);
  const { stdout: source } = await runCli(["completion", shell]);
  await writeFile(script, source);
  const words = line.split(" ");
  const ask = {
    bash: [
      "--norc",
      "-c",
      `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); $(complete -p kong-serverless | sed -E 's/.*-F (\\S+) .*/\\1/'); printf '%s\\n' "\${COMPREPLY[@]}"`,
      script,
      ...words,
    ],
    // Without a terminal zsh has no completion system, so the functions that the script calls are replaced.
    zsh: [
      "-fc",
      `compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { print -l -- *; }
       _describe() { for each in "\${(P@)2}"; do print -r -- "\${each%%:*}"; done; }
       source "$0"; words=("$@"); CURRENT=$#; _kong_serverless`,
      script,
      ...words,
    ],
    fish: ["--no-config", "-c", `source ${script}; complete -C "$argv"`, line],
  }[shell];
  const { stdout } = await run(shell, ask, { cwd: folder, timeout: 20_000 });
  const last = words.at(-1) ?? "";
  const candidates = stdout.split("\n").map((each) => each.split("\t")[0] ?? "");
  return candidates.filter((each) => each !== "" && each.startsWith(last));
}

describe.each(["bash", "zsh", "fish"] as const)("completion in %s", (shell) => {
  const installed = { what: shell, remedy: `apt-get install ${shell}`, isMet: canRun(shell, "-c", "true") };

  test.each([
    ["kong-serverless do", ["doctor"]],
    ["kong-serverless init w", ["worker"]],
    ["kong-serverless doctor --over", ["--overlay"]],
    ["kong-serverless trace --json --dep", ["--deployment"]],
    ["kong-serverless init worker --im", ["--image"]],
    ["kong-serverless init --broker r", ["rabbitmq"]],
    ["kong-serverless completion z", ["zsh"]],
    ["kong-serverless doctor --file app", ["app.yaml"]],
    ["kong-serverless doctor --context a", []],
  ])("completes `%s`", { timeout: 30_000, ...needs(installed) }, async (line, expected) => {
    expect(await complete(shell, line)).toEqual(expected);
  });
});

test("refuses an unknown shell, and lists the known ones", async () => {
  const { code, stderr } = await runCli(["completion", "tcsh"]);
  expect(stderr).toMatch(/Allowed choices are bash, zsh, fish/);
  expect(code).toBe(2);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, join, resolve } from "node:path";

import { canRun, needs } from "@kong-serverless/testing";
import { expect, test } from "vitest";

import { workspace } from "./running-playground.ts";

/**
 * As in a user's shell. With what `pnpm test` and `pnpm exec` put in front, pnpm itself would run in the workspace's `node`, whose
 * wrapper dies of a Ctrl-C before pnpm has ended.
 */
const PATH = (process.env["PATH"] ?? "")
  .split(delimiter)
  .filter((folder) => !resolve(workspace, folder).startsWith(join(workspace, "node_modules")))
  .join(delimiter);
const terminalTools = ["script", "pnpm", "stty"].map((command) => ({
  what: command,
  remedy: command === "pnpm" ? "npm install --global pnpm" : `install ${command}`,
  isMet: canRun("sh", "-c", `command -v ${command}`),
}));

test.concurrent.each([
  { when: "starts", untilSays: /Starting the playground/, options: "--port 0", code: 0 },
  { when: "is up", untilSays: /Ctrl-C ends it/, options: "--port 0", code: 0 },
  // A caller that waits for the story's outcome must learn that there is none.
  { when: "plays the story", untilSays: /Playing the story/, options: "--port 0 --once", code: 130 },
])(
  "Ctrl-C while `pnpm demo` $when ends it in order, with the terminal as it was",
  { timeout: 120_000, ...needs(...terminalTools) },
  async ({ untilSays, options, code }) => {
    // The outer shell plays a user's: it survives the Ctrl-C, and checks the terminal before and after.
    const line = `trap : INT; stty -g; pnpm demo ${options} --daprd no-such-daprd; echo "exit code $?"; stty -g`;
    using terminal = spawn("script", ["-qec", line, "/dev/null"], {
      cwd: workspace,
      env: { ...process.env, PATH },
    });
    let shown = "";
    let hasPressed = false;
    terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
      if (hasPressed || !untilSays.test(shown)) return;
      hasPressed = true;
      terminal.stdin.write("\u0003");
    });
    await once(terminal, "close");
    expect(shown).toContain(`exit code ${code}\r\n`);
    expect(shown).toContain(code === 0 ? "Stopped. Nothing is left." : "stopped before it was done");
    expect(/ELIFECYCLE|Command failed/.test(shown)).toBe(code !== 0);
    const settings = shown.match(/^[0-9a-f]+(?::[0-9a-f]+){4,}/gm) ?? [];
    expect(settings).toHaveLength(2);
    expect(settings[1]).toBe(settings[0]);
  },
);

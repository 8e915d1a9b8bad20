#!/usr/bin/env node
// Plain JavaScript that any Node can read. As published, the command is a bundle; in the workspace it is TypeScript, which
// Node 24 runs as it is, and an older Node hands over to the one that the workspace has installed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const source = join(import.meta.dirname, "../src/main.ts");
const isWorkspace = existsSync(source);
const main = isWorkspace ? source : join(import.meta.dirname, "../dist/main.js");
const leastMajor = isWorkspace ? 24 : 22;
const workspaceNode = join(import.meta.dirname, "../../../node_modules/.bin/node");

if (Number(process.versions.node.split(".")[0]) >= leastMajor) {
  await import(pathToFileURL(main).href);
} else if (isWorkspace && existsSync(workspaceNode)) {
  // A Ctrl-C reaches both processes; this one leaves the answer to the other.
  process.on("SIGINT", () => {});
  process.exitCode =
    spawnSync(workspaceNode, [main, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 130;
} else {
  const remedy = isWorkspace
    ? "Run `npx -y pnpm@10.34.9 install` in the workspace, which brings one, or use a newer Node."
    : "Use a newer Node.";
  process.stderr.write(
    `kong-serverless needs Node ${leastMajor} or newer; this is ${process.versions.node}. ${remedy}\n`,
  );
  process.exitCode = 2;
}

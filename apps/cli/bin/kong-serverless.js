#!/usr/bin/env node
// Plain JavaScript that any Node can read: the command itself is TypeScript, which Node 24 runs as it is. An older Node hands
// over to the one that the workspace has installed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const main = join(import.meta.dirname, "../src/main.ts");
const leastMajor = 24;

if (Number(process.versions.node.split(".")[0]) >= leastMajor) {
  await import(main);
} else {
  const node = join(import.meta.dirname, "../../../node_modules/.bin/node");
  if (existsSync(node)) {
    // A Ctrl-C reaches both processes; this one leaves the answer to the other.
    process.on("SIGINT", () => {});
    process.exitCode = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 130;
  } else {
    process.stderr.write(
      `kong-serverless needs Node ${leastMajor} or newer; this is ${process.versions.node}. Run \`npx -y pnpm@10.34.9 install\` in the workspace, which brings one, or use a newer Node.\n`,
    );
    process.exitCode = 2;
  }
}

/**
 * `pnpm demo`: builds what the playground runs, then becomes the playground. One process does both, so that Ctrl-C is
 * handled once: the shells in between ignore it (see the script in package.json), and pnpm reports no error.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const building = spawn(process.execPath, [join(import.meta.dirname, "build.ts")], { stdio: "inherit" });
let isLeaving = false;
// The build gets Ctrl-C from the same terminal and exits by itself.
const leave = () => (isLeaving = true);
process.on("SIGINT", leave);
await once(building, "exit");
process.off("SIGINT", leave);
if (isLeaving) process.stderr.write("\nStopped before it had started.\n");
else if (building.exitCode !== 0) process.exitCode = building.exitCode ?? 1;
else {
  const main = join(root, "apps/playground/dist/main.js");
  process.argv[1] = main;
  await import(main);
}

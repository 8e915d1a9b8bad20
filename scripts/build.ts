/**
 * Builds all apps through turbo before a command that needs them (`pnpm demo`, `pnpm test`), and says so only when there is
 * something to build. stdout stays free for the command itself.
 */
import { spawnSync } from "node:child_process";

const startedAt = performance.now();
process.stderr.write("Building the apps (turbo; cached when nothing has changed) ...\n");
const turbo = spawnSync("turbo", ["run", "build", "--output-logs=errors-only", "--log-order=grouped"], {
  stdio: ["ignore", "pipe", "pipe"],
  encoding: "utf8",
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" },
});
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
if (turbo.status === 0) {
  process.stderr.write(`Built in ${seconds} s.\n`);
} else {
  process.stderr.write(`${turbo.stdout}${turbo.stderr}${turbo.error?.message ?? ""}\nThe build failed.\n`);
  process.exitCode = turbo.status ?? 1;
}

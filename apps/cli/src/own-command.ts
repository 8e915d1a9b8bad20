import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";

import manifest from "../package.json" with { type: "json" };

export interface OwnCommandOptions {
  /** Absolute path of the clone that the command runs from; undefined for the published package. */
  readonly clone: string | undefined;
  readonly cwd: string;
  /** `npm_lifecycle_event`: npx sets it to `npx`, `pnpm kong-serverless` to `kong-serverless`. */
  readonly script: string | undefined;
}

/** What a user types to start this command again the way it was started, from the same folder. */
export async function ownCommand({ clone, cwd, script }: OwnCommandOptions): Promise<string> {
  if (clone === undefined) {
    return script === "npx" ? `npx -y ${manifest.name}@${manifest.version}` : manifest.name;
  }
  const path = relative(cwd, clone);
  if (script !== manifest.name) return `node ${join(path, "apps/cli/bin/kong-serverless.js")}`;
  const { packageManager } = JSON.parse(await readFile(join(clone, "package.json"), "utf8")) as {
    packageManager: string;
  };
  return `npx -y ${packageManager} ${path === "" ? "" : `-C ${path} `}${script}`;
}

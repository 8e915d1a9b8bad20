import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { workspaceFolder } from "./workspace.ts";

/**
 * The command that starts the playground again with the same arguments, except for the page's port, which may have been
 * any free one.
 */
export async function readStartCommand(argv: readonly string[]): Promise<string> {
  const { packageManager } = JSON.parse(await readFile(join(workspaceFolder, "package.json"), "utf8")) as {
    packageManager: string;
  };
  return ["npx", "-y", packageManager, "demo", ...withoutPagePort(argv).map(quoted)].join(" ");
}

const flag = "--page-port";

function withoutPagePort(argv: readonly string[]): string[] {
  return argv.filter(
    (argument, index) =>
      argument !== "--" && argument !== flag && argv[index - 1] !== flag && !argument.startsWith(`${flag}=`),
  );
}

/** Quotes an argument for a shell. */
function quoted(argument: string): string {
  return /^[\w./:=@,+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { ServerlessError } from "@kong-serverless/runtime";

const run = promisify(execFile);
const timeoutMs = 60_000;
const maxOutputBytes = 64 * 1024 * 1024;

/** The commands that render a folder, in the order in which they are tried. */
function commands(configured: string | undefined): readonly (readonly string[])[] {
  const known = [
    ["kustomize", "build"],
    ["kubectl", "kustomize"],
  ];
  return configured === undefined ? known : [[configured, "build"], ...known];
}

interface RenderOptions {
  /** How messages name the folder. */
  readonly shown: string;
  /** Command of kustomize itself, as $KUSTOMIZE names it. */
  readonly configured: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Renders a kustomize folder, with the first of `configured`, `kustomize` and `kubectl kustomize` that is installed. Throws
 * KUSTOMIZE_MISSING when none is, KUSTOMIZE_FAILED with what it said when it refuses the folder.
 */
export async function renderFolder(
  folder: string,
  { shown, configured, signal }: RenderOptions,
): Promise<string> {
  for (const [command = "", subcommand = ""] of commands(configured)) {
    try {
      const { stdout } = await run(command, [subcommand, folder], {
        maxBuffer: maxOutputBytes,
        timeout: timeoutMs,
        signal,
      });
      return stdout;
    } catch (error) {
      const { code, stderr = "", message } = error as Error & { code?: unknown; stderr?: string };
      if (code === "ENOENT") continue;
      signal.throwIfAborted();
      throw new ServerlessError(
        "KUSTOMIZE_FAILED",
        `${command} ${subcommand} ${shown}: ${stderr.trim() || message}`,
        { cause: error },
      );
    }
  }
  throw new ServerlessError(
    "KUSTOMIZE_MISSING",
    `${shown} has to be rendered, and neither kustomize nor kubectl is installed. Install one of them, name one in KUSTOMIZE, or render elsewhere and give the result with --file.`,
  );
}

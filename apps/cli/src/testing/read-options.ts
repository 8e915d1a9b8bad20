import type { ReadOptions } from "@kong-serverless/manifests";

import { workspaceRoot } from "./workspace-root.ts";

/** How tests read manifests: from this workspace, unless they say otherwise. */
export function readOptions(changes: Partial<ReadOptions> = {}): ReadOptions {
  return {
    root: workspaceRoot,
    cwd: workspaceRoot,
    kustomize: undefined,
    stdin: process.stdin,
    signal: new AbortController().signal,
    ...changes,
  };
}

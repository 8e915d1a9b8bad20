import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the apps are that the tests of this run have bundled so far: see `bundleOnce`. */
    readonly bundleFolder: string;
  }
}

/** Vitest's global setup: a folder for the bundles of one run, which is removed after it. */
export default async function bundleFolder(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "bundles-"));
  project.provide("bundleFolder", folder);
  return () => rm(folder, { recursive: true });
}

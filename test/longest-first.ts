import { relative } from "node:path";

import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Where tests wait for cooldowns and for processes to start; the longest first. */
const waiting = ["test/e2e/", "test/engines/", "test/newcomer/", "apps/consumer/", "apps/kong-plugin/"];

/** Begins with the files that wait, so that those that compute fill the cores meanwhile; among equals as Vitest does. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

function rank({ moduleId, project }: TestSpecification): number {
  const path = relative(project.config.root, moduleId);
  const found = waiting.findIndex((folder) => path.startsWith(folder));
  return found === -1 ? waiting.length : found;
}

import { join } from "node:path";

import { expect, test } from "vitest";

import { workspaceRoot } from "../testing/workspace-root.ts";
import { doctorPage } from "./doctor-page.ts";

test("docs/doctor.md lists exactly the codes that doctor knows", async () => {
  await expect(doctorPage()).toMatchFileSnapshot(join(workspaceRoot, "docs/doctor.md"));
});

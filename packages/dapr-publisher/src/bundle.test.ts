import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { bundleApp, ScriptedSidecar, spawnApp } from "@kong-serverless/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

const publisherSource = fileURLToPath(new URL("index.ts", import.meta.url));
let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "dapr-publisher-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

test("publishes as one bundled file, writes nothing, and exits by itself after stop()", async () => {
  await using sidecar = await new ScriptedSidecar(204).start();
  await mkdir(join(directory, "src"));
  await writeFile(
    join(directory, "src/main.ts"),
    `import { DaprPublisher } from ${JSON.stringify(publisherSource)};
     const publisher = new DaprPublisher({ endpoint: ${JSON.stringify(sidecar.url)}, timeoutMs: 10_000 });
     await publisher.publish({ pubsub: "messages", topic: "jobs", data: { id: 1 } });
     await publisher.stop();`,
  );

  await using bundle = await bundleApp(directory);
  await using app = spawnApp({ entry: bundle.entry });
  expect(await app.exited).toEqual({ code: 0, signal: null });
  expect(app.output).toBe("");
  expect(sidecar.messages).toMatchObject([{ topic: "jobs", data: { id: 1 } }]);
});

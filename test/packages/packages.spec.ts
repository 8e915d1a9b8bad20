/**
 * The packages as their users get them: packed, installed by npm into a folder that knows nothing of this workspace, and used as
 * their READMEs say. Needs the npm registry. `pnpm test:packages` runs it, and not `pnpm test`, because it takes minutes.
 */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { QueueEmulator, ScriptedSidecar } from "@kong-serverless/testing";
import { afterAll, describe, expect, inject, it } from "vitest";

import { publishedPackages, workspace } from "./published.ts";

const run = promisify(execFile);
const { home, tarballs, nodes } = inject("installed");
const libraries = (await publishedPackages()).filter(({ folder }) => folder.includes("/packages/"));
const emulator = await QueueEmulator.start();
const sidecar = await new ScriptedSidecar(204).start();

afterAll(async () => {
  await emulator[Symbol.asyncDispose]();
  await sidecar.stop();
});

/** The one example in a package's README and what it prints. */
async function readExample(folder: string): Promise<{ readonly code: string; readonly output: string }> {
  const readme = await readFile(join(folder, "README.md"), "utf8");
  const [, code = "", output = ""] = /^```js\n(.*?)^```$.*?^```text\n(.*?)^```$/ms.exec(readme) ?? [];
  return { code, output };
}

describe.each(libraries)("$name", ({ folder, name }) => {
  it.each(["22", "24"] as const)(
    "does what its README says on Node %s",
    { timeout: 60_000 },
    async (version) => {
      const { code, output } = await readExample(folder);
      expect(code).toContain(`"${name}"`);
      const script = join(home, `${name.replace("/", "-")}-${version}.js`);
      await writeFile(script, code);
      const queueUrl = emulator.createQueue(`readme-${version}`);
      using client = { sqs: emulator.createClient(), [Symbol.dispose]: () => client.sqs.destroy() };
      await client.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: "hello" }));
      const { stdout } = await run(nodes[version], [script], {
        env: { ...emulator.env, QUEUE_URL: queueUrl, DAPR_HTTP_ENDPOINT: sidecar.url },
        timeout: 30_000,
      });
      emulator.deleteQueue(`readme-${version}`);
      expect(stdout).toBe(output);
    },
  );

  it("is packed so that every resolver finds its code and its types", { timeout: 60_000 }, async () => {
    const tarball = tarballs[name] ?? "";
    // Both exit with an error when they find anything, and `run` rejects with what they print.
    await expect(run("publint", ["run", tarball, "--strict"], { cwd: workspace })).resolves.toBeDefined();
    const types = run("attw", [tarball, "--profile", "esm-only"], { cwd: workspace });
    await expect(types).resolves.toBeDefined();
  });
});

it("the command runs from its tarball on the oldest Node", { timeout: 60_000 }, async () => {
  const bin = join(home, "node_modules/kong-serverless/bin/kong-serverless.js");
  const { stdout } = await run(nodes["22"], [bin, "--help"]);
  expect(stdout).toContain("doctor");
  const base = join(workspace, "deploy/base");
  const diagnosis = await run(nodes["22"], [bin, "doctor", "--file", base, "--json"]);
  expect(JSON.parse(diagnosis.stdout)).toMatchObject({ ok: true, findings: [] });
});

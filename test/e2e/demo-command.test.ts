import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isAlive, spawnApp, type SpawnedApp } from "@kong-serverless/testing";
import { describe, expect, it, onTestFinished } from "vitest";

const workspace = join(import.meta.dirname, "../..");

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "demo-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The command that `pnpm demo` runs, as a process whose temporary files land in a folder of its own. */
async function demo(...args: string[]) {
  const temporaryFolder = await makeFolder();
  const app = spawnApp({
    entry: join(workspace, "apps/playground/dist/main.js"),
    // The stand-in for daprd is always there, and the same everywhere.
    args: ["--daprd", "no-such-daprd", ...args],
    env: { TMPDIR: temporaryFolder },
  });
  onTestFinished(() => app[Symbol.asyncDispose]());
  return { app, temporaryFolder };
}

/** Waits for the playground to be up; gives its URL. */
async function untilUp(app: SpawnedApp): Promise<string> {
  const [, url = ""] = await app.waitForOutput(/curl (http:\S+)\/ /, { timeoutMs: 15_000 });
  return url;
}

/** A copy of the base in which one file's text is changed. */
async function changedBase(file: string, from: string, to: string): Promise<string> {
  const folder = await makeFolder();
  await cp(join(workspace, "deploy/base"), folder, { recursive: true });
  const text = await readFile(join(folder, file), "utf8");
  expect(text).toContain(from);
  await writeFile(join(folder, file), text.replace(from, to));
  return folder;
}

/** Ids of the processes that a process started, where Linux tells them. */
async function childrenOf(pid: number | undefined): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
}

async function isFree(url: string): Promise<boolean> {
  return fetch(url).then(
    () => false,
    () => true,
  );
}

// Each of these starts the whole system, and waits with deadlines of its own.
describe("pnpm demo", { timeout: 30_000 }, () => {
  it("names a busy port and the flag that changes it, and leaves nothing", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { app, temporaryFolder } = await demo("--port", String(port));
    expect(await app.exited).toEqual({ code: 1, signal: null });
    expect(app.output).toBe(
      `Starting the playground ...\nPort ${port} on 127.0.0.1 is in use by another process. Choose another with --port.\n`,
    );
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it("names the file, the path, what was found and what is allowed in a manifest, and starts nothing", async () => {
    const folder = await changedBase(
      "consumer-scaledobject.yaml",
      "pollingInterval: 1",
      "pollingInterval: 0",
    );
    const { app, temporaryFolder } = await demo("--port", "0", "--manifests", folder);
    expect(await app.exited).toEqual({ code: 1, signal: null });
    expect(app.output).toMatch(
      /consumer-scaledobject\.yaml \(ScaledObject consumer\)[^]*spec\.pollingInterval: found 0; .*>=1/,
    );
    expect(app.output).not.toMatch(/Starting| at /);
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it("names an unknown field in the plugin's configuration, and starts nothing", async () => {
    const folder = await changedBase("demo-backend-route.yaml", "health: /healthz", "healht: /healthz");
    const { app, temporaryFolder } = await demo("--port", "0", "--manifests", folder);
    expect(await app.exited).toEqual({ code: 1, signal: null });
    expect(app.output).toMatch(/demo-backend-route\.yaml[^]*backend[^]*healht/);
    expect(app.output).not.toMatch(/Starting| at /);
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it("names a variable whose ConfigMap is missing, and leaves nothing", async () => {
    const folder = await changedBase("consumer.yaml", "key: region", "key: regoin");
    const { app, temporaryFolder } = await demo("--port", "0", "--manifests", folder);
    expect(await app.exited).toEqual({ code: 1, signal: null });
    expect(app.output).toMatch(/Deployment consumer: env REGION[^]*ConfigMap "aws", key "regoin"/);
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it("wakes the backend for a request, tells the cold start's steps, and leaves nothing at Ctrl-C", async () => {
    const { app, temporaryFolder } = await demo("--port", "0");
    const url = await untilUp(app);
    const response = await fetch(`${url}/`);
    expect(response.status).toBe(200);
    const { answeredBy } = (await response.json()) as { answeredBy: { pid: number } };
    expect(isAlive(answeredBy.pid)).toBe(true);
    const [timeline] = await app.waitForOutput(
      /cold start of demo-backend: \d+ ms\n(?: .+\n)*? .+ answered\n/,
    );
    const steps = ["held", "wake published", "queue seen by the scaler", "scaled 0 -> 1", "process started"];
    for (const step of [...steps, "first ready answer", "proxied", "answered"]) {
      expect(timeline).toContain(`  ${step}\n`);
    }
    const children = await childrenOf(app.pid);
    expect(await app.stop("SIGINT")).toEqual({ code: 0, signal: null });
    expect([answeredBy.pid, ...children].map(isAlive)).not.toContain(true);
    expect(await readdir(temporaryFolder)).toEqual([]);
    expect(await isFree(url)).toBe(true);
  });

  it("ends at once at a second Ctrl-C, and leaves nothing either", async () => {
    const { app, temporaryFolder } = await demo("--port", "0");
    const url = await untilUp(app);
    // In work for longer than the test waits: the backend would finish it before it ends.
    const busy = fetch(`${url}/slow?ms=30000`).catch(String);
    await app.waitForOutput(/cold start of|demo-backend: 0 -> 1/);
    const children = await childrenOf(app.pid);
    app.signal("SIGINT");
    await app.waitForOutput(/Stopping/);
    expect(await app.stop("SIGINT")).toMatchObject({ signal: null });
    await busy;
    expect(children.map(isAlive)).not.toContain(true);
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it("ends at Ctrl-C while it starts, and leaves nothing", async () => {
    const { app, temporaryFolder } = await demo("--port", "0");
    await app.waitForOutput(/Starting/);
    expect(await app.stop("SIGINT")).toMatchObject({ signal: null });
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it("ends when its terminal is closed, and leaves nothing", async () => {
    const { app, temporaryFolder } = await demo("--port", "0");
    await untilUp(app);
    const children = await childrenOf(app.pid);
    expect(await app.stop("SIGHUP")).toEqual({ code: 0, signal: null });
    expect(children.map(isAlive)).not.toContain(true);
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  it("leaves no process behind when it is killed itself", async () => {
    const { app } = await demo("--port", "0");
    const url = await untilUp(app);
    const response = await fetch(`${url}/`);
    const { answeredBy } = (await response.json()) as { answeredBy: { pid: number } };
    const children = await childrenOf(app.pid);
    await app.stop("SIGKILL");
    await expect.poll(() => [answeredBy.pid, ...children].filter(isAlive), { timeout: 10_000 }).toEqual([]);
  });
});

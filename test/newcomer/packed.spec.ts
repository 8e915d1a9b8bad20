/** The tutorial with the packages as npm installs them: the command and the worker's library from their tarballs, no clone beside. */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { QueueEmulator, SpawnedApp } from "@kong-serverless/testing";
import { afterAll, beforeAll, expect, inject, test } from "vitest";

import { commandWith, files } from "./page.ts";

const run = promisify(execFile);
const { home, nodes } = inject("installed");
let hello = "";

beforeAll(async () => {
  // Below what npm has installed, so that its packages are found from here.
  hello = await mkdtemp(join(home, "hello-"));
  for (const name of ["hello.yaml", "kustomization.yaml"]) {
    await writeFile(join(hello, name), files.get(name) ?? "");
  }
});
afterAll(() => rm(hello, { recursive: true, force: true }));

/** A command of the page, by `kong-serverless` from its tarball on the oldest Node. */
async function type(...words: readonly string[]): Promise<string> {
  const [, options = ""] = /^pnpm -C \S+ kong-serverless (.*)$/.exec(commandWith(...words)) ?? [];
  const bin = join(home, "node_modules/kong-serverless/bin/kong-serverless.js");
  const { stdout } = await run(nodes["22"], [bin, ...options.split(" ")], { cwd: hello, timeout: 30_000 });
  return stdout;
}

test("init and doctor say the same as in the clone", { timeout: 60_000 }, async () => {
  expect(await type("init --file hello.yaml")).toContain("4 warnings");
  expect(await type("doctor --file .")).toBe(".: nothing found.\n");
  expect(await readFile(join(hello, "hello.yaml"), "utf8")).toBe(files.get("hello.yaml"));
});

test.each(["22", "24"] as const)(
  "a handler of one's own works off a queue on Node %s, and ends at SIGTERM",
  { timeout: 60_000 },
  async (version) => {
    await using emulator = await QueueEmulator.start();
    const queueUrl = emulator.createQueue("greetings", { maxReceiveCount: 2 });
    await rm(join(hello, "greeter"), { recursive: true, force: true });
    await type("init worker");
    await writeFile(join(hello, "greeter/handler.js"), files.get("greeter/handler.js") ?? "");
    expect(await type("doctor --file greeter/deploy")).toBe("greeter/deploy: nothing found.\n");

    emulator.send("greetings", JSON.stringify({ name: "stranger" }));
    const child = spawn(nodes[version], ["worker.js"], {
      cwd: join(hello, "greeter"),
      env: { ...emulator.env, QUEUE_URL: queueUrl, PORT: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    await using worker = new SpawnedApp(child);
    await worker.waitForOutput(/^hello stranger$/m, { timeoutMs: 30_000 });
    await worker.waitFor("message.handled");
    await expect.poll(() => emulator.length("greetings")).toEqual({ ready: 0, inFlight: 0 });
    emulator.send("greetings", JSON.stringify({ nobody: true }));
    await expect.poll(() => emulator.length("greetings-dead").ready, { timeout: 30_000 }).toBe(1);
    expect(await worker.stop("SIGTERM")).toEqual({ code: 0, signal: null });
    expect(worker.output).toBe("hello stranger\n");
  },
);

import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { kinds } from "./manifests/kinds.ts";
import { ChildProcess } from "./processes/child-process.ts";
import { foreignProgram } from "./processes/program.ts";
import { parseMappedApp, programOf, readMappedApps } from "./programs.ts";

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "programs-")));
});
afterEach(() => rm(folder, { recursive: true }));

const deployment = (container: object) =>
  kinds.Deployment.parse({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      selector: {},
      template: {
        metadata: {},
        spec: { containers: [{ name: "web", image: "acme.io/shop/front:1.2", ...container }] },
      },
    },
  });

const start = (script: string, onLine: (line: string) => void) =>
  new ChildProcess({
    ...foreignProgram([process.execPath, "-e", script], folder),
    environment: { GREETING: "hello" },
    onLine,
  });

describe("what plays an image", () => {
  it.each(["web", "acme.io/shop/front:1.2", "acme.io/shop/front", "front"])(
    "is the command given for %s",
    (name) => {
      const program = programOf(deployment({}), [parseMappedApp(`${name}=node server.js`, "/srv")], "/here");
      expect(program).toMatchObject({ cwd: "/srv", args: expect.arrayContaining(["exec node server.js"]) });
    },
  );

  it("is the container's own command if this machine has it, and nothing else", () => {
    const own = programOf(deployment({ command: ["node", "a.js"], args: ["--b"] }), [], "/here");
    expect(own?.args.slice(-3)).toEqual(["node", "a.js", "--b"]);
    expect(own?.cwd).toBe("/here");
    expect(programOf(deployment({ command: ["/no/such/command"] }), [], "/here")).toBeUndefined();
    expect(programOf(deployment({ args: ["--b"] }), [], "/here")).toBeUndefined();
    expect(programOf(deployment({}), [], "/here")).toBeUndefined();
  });

  it("is read from a file, with working directories relative to it", async () => {
    const text = "web: node a.js\nfront: {command: npm start, workingDirectory: ../front}\n";
    await writeFile(join(folder, "apps.yaml"), text);
    expect(await readMappedApps("apps.yaml", folder)).toEqual([
      { name: "web", command: "node a.js", cwd: folder },
      { name: "front", command: "npm start", cwd: join(folder, "../front") },
    ]);
  });

  it("is refused if it cannot be understood", async () => {
    expect(() => parseMappedApp("node server.js", "/")).toThrow(
      /--app: found "node server.js"; allowed: NAME=COMMAND/,
    );
    await writeFile(join(folder, "apps.yaml"), "web: {comand: x}\n");
    await expect(readMappedApps("apps.yaml", folder)).rejects.toThrow(/apps.yaml[^]*web/);
  });
});

describe("a foreign program", () => {
  it("has its own folder, environment and exit code", async () => {
    const lines: string[] = [];
    const child = start("console.log(process.cwd(), process.env.GREETING); process.exitCode = 7", (line) =>
      lines.push(line),
    );
    expect(await child.exited).toEqual({ code: 7, signal: null });
    expect(lines).toEqual([`${folder} hello`]);
  });

  it("gets SIGTERM, and may exit in its own time", async () => {
    const { promise: isUp, resolve } = Promise.withResolvers<string>();
    const child = start(
      "process.on('SIGTERM', () => process.exit(3)); setInterval(() => {}, 1000); console.log('up')",
      resolve,
    );
    await isUp;
    await child.stop(30_000);
    expect(await child.exited).toEqual({ code: 3, signal: null });
  });
});

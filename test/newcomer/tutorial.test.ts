/**
 * Plays docs/your-service.md: saves its files and types its commands in an empty folder outside the workspace, beside a link that
 * stands for the clone. The tests are the page's sections; each goes on where the one before has ended.
 */
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { isAlive, kustomize, needs, SpawnedApp } from "@kong-serverless/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";

import { root } from "../deploy/rendering.ts";
import { read } from "../docs/markdown.ts";
import { commands, commandWith, files, inShort, mistakes, page } from "./page.ts";

const run = promisify(execFile);
const doctor = "kong-serverless doctor --file";

let parent = "";
let hello = "";

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "newcomer-"));
  hello = join(parent, "hello");
  await symlink(root, join(parent, "kong-serverless"));
  await save("package.json", "server.js", "Dockerfile", "hello.yaml");
});
afterAll(() => rm(parent, { recursive: true, force: true }));

async function save(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const text = files.get(name);
    if (text === undefined) throw new Error(`The page has no ${name}`);
    await mkdir(dirname(join(hello, name)), { recursive: true });
    await writeFile(join(hello, name), text);
  }
}

/** Types a command, and gives what it prints; rejects if it fails. */
async function type(command: string): Promise<string> {
  const { stdout } = await run("bash", ["-c", command], { cwd: hello, timeout: 60_000 });
  return stdout;
}

/** The same without pnpm, which takes seconds; the first command shows that it starts where its caller is. */
function withoutPnpm(command: string, ...more: readonly string[]): string {
  const [, script = "", rest = ""] = /^pnpm -C \.\.\/kong-serverless (\S+) (.*)$/.exec(command) ?? [];
  const mains: Readonly<Record<string, string>> = {
    "kong-serverless": "apps/cli/bin/kong-serverless.js",
    demo: "apps/playground/dist/main.js",
  };
  return [process.execPath, join("../kong-serverless", mains[script] ?? ""), rest, ...more].join(" ");
}

/** A cold start's steps; some of them may swap places. */
function stepsOf(timeline: string): Set<string> {
  return new Set([...timeline.matchAll(/\d+ ms {2}(.*)/g)].map(([, step = ""]) => step));
}

describe("docs/your-service.md", { timeout: 60_000, ...needs(kustomize()) }, () => {
  test("init writes the files that the page lists, and touches none of the service's own", async () => {
    const said = await type(commandWith("init --file hello.yaml"));
    const [, listed = ""] = /^ {4}kong-serverless\/hello\/\n((?: {6}\+ .*\n)+)/m.exec(page) ?? [];
    const paths = [...listed.matchAll(/\+ (.*)/g)].map(([, path = ""]) => path);
    const written = await readdir(join(hello, "kong-serverless/hello"), { recursive: true });
    expect(written.filter((path) => path.includes("."))).toEqual(paths.toSorted());
    for (const path of paths) expect(said).toContain(`+ ${path}\n`);
    expect(said).toContain("4 warnings");
    expect(await readFile(join(hello, "hello.yaml"), "utf8")).toBe(files.get("hello.yaml"));
  });

  test("the doctor finds nothing in the whole", async () => {
    await save("kustomization.yaml");
    expect(await type(withoutPnpm(commandWith(`${doctor} .`)))).toMatch(/^\.: nothing found\.$/m);
  });

  test("a request wakes the service in the playground, which then goes back to zero", async () => {
    // Any port is right, and the stand-in for daprd the same everywhere.
    const demo = withoutPnpm(commandWith("demo --manifests"), "--port 0 --daprd no-such-daprd");
    const child = spawn("bash", ["-c", `exec ${demo}`], { cwd: hello, stdio: ["ignore", "pipe", "pipe"] });
    const playground = new SpawnedApp(child);
    onTestFinished(() => playground[Symbol.asyncDispose]());
    const [, url = ""] = await playground.waitForOutput(/curl (http:\S+)\/ +to hello/, { timeoutMs: 30_000 });
    expect(playground.output).toContain("At zero: hello.");

    const curl = commandWith("curl").replace("http://127.0.0.1:8000", url);
    const [, pid] = /^hello from process (\d+)\n$/.exec(await type(curl)) ?? [];
    expect(isAlive(Number(pid))).toBe(true);
    const [timeline] = await playground.waitForOutput(/cold start of hello: .*\n(?: .+\n)*? .+ answered\n/);
    const [, told = ""] = /^ {4}cold start of hello: .*\n((?: {6}.*\n)+)/m.exec(page) ?? [];
    expect(stepsOf(timeline)).toEqual(stepsOf(told));

    expect(await type(curl)).toBe(`hello from process ${pid}\n`);
    await playground.waitForOutput(/hello: 1 -> 0 \(keda\)/, { timeoutMs: 30_000 });
    await expect.poll(() => isAlive(Number(pid)), { timeout: 10_000 }).toBe(false);
    expect(await playground.stop("SIGINT")).toEqual({ code: 0, signal: null });
  });

  test("init worker writes a consumer, in which the doctor finds nothing", async () => {
    await type(withoutPnpm(commandWith("init worker")));
    await save("greeter/handler.js");
    expect(await type(withoutPnpm(commandWith(`${doctor} greeter/deploy`)))).toMatch(
      /^greeter\/deploy: nothing found\.$/m,
    );
  });

  const folder = "kong-serverless/hello";
  const planted: readonly {
    readonly code: string;
    readonly file: string;
    readonly from: string;
    readonly to: string;
  }[] = [
    {
      code: "PLUGIN_UNUSED",
      file: `${folder}/route.yaml`,
      from: "konghq.com/plugins",
      to: "konghq.com/plugin",
    },
    { code: "SERVICE_NOT_FOUND", file: `${folder}/route.yaml`, from: "number: 80", to: "number: 3000" },
    {
      code: "SCALE_TARGET_NOT_FOUND",
      file: `${folder}/scaledobject.yaml`,
      from: "    name: hello",
      to: "    name: helo",
    },
    {
      code: "DEMAND_BACKEND_UNKNOWN",
      file: `${folder}/scaledobject.yaml`,
      from: "/demand/hello",
      to: "/demand/helo",
    },
    {
      code: "NETWORK_POLICY_SHUTS_OUT",
      file: "hello.yaml",
      from: "apiVersion: v1",
      to: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: deny-all
spec:
  podSelector: {}
  policyTypes: [Ingress]
---
apiVersion: v1`,
    },
    {
      code: "CONSUMER_QUEUE_NOT_WATCHED",
      file: "greeter/deploy/scaledobject.yaml",
      from: 'queueURL: "greetings"',
      to: 'queueURL: "greeting"',
    },
  ];

  test.each(planted)("the doctor finds a mistake: $code", async ({ code, file, from, to }) => {
    const copy = await mkdtemp(join(parent, "mistaken-"));
    await cp(hello, copy, { recursive: true });
    const text = await readFile(join(copy, file), "utf8");
    expect(text).toContain(from);
    await writeFile(join(copy, file), text.replace(from, to));
    const subject = file.startsWith("greeter/") ? "greeter/deploy" : ".";
    const cli = join(root, "apps/cli/bin/kong-serverless.js");
    const argv = [cli, "doctor", "--file", subject, "--json"];
    const failure: unknown = await run(process.execPath, argv, { cwd: copy }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 1 });
    const { findings } = JSON.parse((failure as { stdout: string }).stdout) as {
      findings: { code: string }[];
    };
    expect(findings.map((finding) => finding.code)).toContain(code);
  });

  test("the README's lines are the tutorial's, with a shorter kustomization", async () => {
    const known = inShort.filter((command) => commands.includes(command));
    expect(inShort.filter((command) => command.startsWith("pnpm "))).toEqual(known);
    expect(known).toHaveLength(3);
    const [, saving = ""] = /^ {4}(printf .*\n {4}.* > kustomization\.yaml)$/m.exec(read("README.md")) ?? [];
    await type(saving.replace("kustomization.yaml", "shorter.yaml"));
    const shorter: unknown = parse(await readFile(join(hello, "shorter.yaml"), "utf8"));
    expect(parse(files.get("kustomization.yaml") ?? "")).toMatchObject(shorter as object);
  });

  test("the page names the mistakes that are planted here", () => {
    expect(mistakes).toEqual(planted.map(({ code }) => code));
  });

  test("the page has no other command that runs on this machine", () => {
    // The last two install the packages, as worker.spec.ts does.
    expect(commands).toHaveLength(8);
  });
});

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

import { type ErrorReport, errorCodes, exitCodesHelp } from "@kong-serverless/runtime";
import { QueueEmulator } from "@kong-serverless/testing";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";

import manifest from "../package.json" with { type: "json" };
import type { Diagnosis } from "./doctor/diagnosis.ts";
import { runBin, runCli, spawnBin } from "./testing/run-cli.ts";

const broken = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web}
spec: {scaleTargetRef: {name: web}, pollingInterval: 0, triggers: []}
`;

afterEach(() => vi.unstubAllEnvs());

describe("kong-serverless", () => {
  test("runs from its sources, without a build, and exits 0 when all is fine", async () => {
    const { code, stdout } = await runBin(["doctor", "--overlay", "base", "--json"]);
    expect(JSON.parse(stdout)).toEqual({ ok: true, findings: [], skipped: [] });
    expect(code).toBe(0);
  });

  test("exits 1 with findings, read from stdin", async () => {
    const { code, stdout } = await runBin(["doctor", "--file", "-", "--json"], { input: broken });
    const { findings } = JSON.parse(stdout) as Diagnosis;
    expect(findings).toMatchObject([
      { code: "FIELD_OUT_OF_BOUNDS", where: { file: "stdin", path: "spec.triggers", line: 5 } },
      { code: "POLLING_INTERVAL_TOO_SHORT", where: { file: "stdin", path: "spec.pollingInterval" } },
    ]);
    expect(code).toBe(1);
  });

  test("exits 2 when it could not look, and says what is missing", async () => {
    // An empty PATH: neither kustomize nor kubectl.
    const { code, stdout, stderr } = await runBin(["doctor", "--overlay", "staging"], { env: { PATH: "" } });
    expect(stderr).toMatch(/^KUSTOMIZE_MISSING: .*neither kustomize nor kubectl is installed/);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("also says so as JSON, if asked for JSON", async () => {
    const { code, stdout } = await runBin(["doctor", "--file", "/nowhere.yaml", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: "CONFIG_INVALID" } });
    expect(code).toBe(2);
  });

  test.each([
    [["doctor", "--json", "--context", "nosuch"], /No cluster is configured/],
    [["provision", "--json"], /give --overlay or --file/],
    [["trace", "--json", "http://127.0.0.1:1/"], /ECONNREFUSED/],
    [["init", "--json"], /with --file or with --context/],
    [["init", "worker", "--json"], /'--name <name>' not specified/],
  ])("answers %j with one JSON object on stdout, and exits 2", async (argv, message) => {
    const { code, stdout, stderr } = await runBin(argv, { env: { HOME: "/nowhere" } });
    const { ok, error } = JSON.parse(stdout) as ErrorReport;
    expect(ok).toBe(false);
    expect(error).toEqual({
      code: expect.any(String) as string,
      message: expect.stringMatching(message) as string,
      remedy: errorCodes[error.code].remedy,
    });
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  test.each([
    [["docto", "--json"], "unknown command 'docto'"],
    [["doctor", "--json", "--nothing-like-it"], "unknown option '--nothing-like-it'"],
    [["trace", "--json"], "missing required argument 'url'"],
  ])("does the same for %j", async (argv, message) => {
    const { code, stdout } = await runCli(argv);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      error: { code: "CONFIG_INVALID", message: expect.stringContaining(message) as string },
    });
    expect(code).toBe(2);
  });

  test.each([["--version"], ["-V"]])("prints its version with %s", async (flag) => {
    expect(await runCli([flag])).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  });

  test.each([[], ["doctor"], ["init"], ["init", "worker"], ["provision"], ["trace"], ["completion"]])(
    "lists the exit codes in the help of `%s %s`, and no empty default",
    async (...command) => {
      const { stdout } = await runCli([...command, "--help"]);
      expect(stdout).toContain(exitCodesHelp().trim());
      expect(stdout).not.toMatch(/default: (?:\{|\[|false)/);
    },
  );

  test("lists the overlays for an unknown one", async () => {
    const { stderr } = await runBin(["doctor", "--overlay", "nosuch"]);
    expect(stderr).toBe(
      "CONFIG_INVALID: deploy/overlays/nosuch is not valid:\n" +
        "  - cannot be read (ENOENT); there are: base, dev, live, staging\n",
    );
  });

  test("points at the help only where the error does not say what is allowed", async () => {
    const tail = /see --help/;
    expect((await runCli(["doctor", "--nothing-like-it"])).stderr).toMatch(tail);
    for (const argv of [["docto"], ["trace"], ["trace", "ftp://x"], ["init", "--broker", "kafka"]]) {
      expect((await runCli(argv)).stderr).not.toMatch(tail);
    }
  });

  test("ends with 130 when it is interrupted", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void silent.close());
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const child = spawnBin(["trace", `http://127.0.0.1:${port}/`, "--json"]);
    const [connection] = (await once(silent, "connection")) as [Socket];
    onTestFinished(() => void connection.destroy());
    child.kill("SIGINT");
    const { code, stdout, stderr } = await child.ended;
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: "INTERRUPTED" } });
    expect(stderr).toMatch(/^INTERRUPTED: interrupted/m);
    expect(code).toBe(130);
  });

  test.each([
    [["doctor"], /--overlay, --file and --context/],
    [["doctor", "--overlay", "dev", "--file", "x"], /give one of them/],
    [["doctor", "--file", "/nowhere.yaml"], /\/nowhere\.yaml[^]*ENOENT/],
    [["doctor", "--overlay", "production"], /deploy\/overlays\/production[^]*ENOENT/],
    [["provision"], /give --overlay or --file/],
  ])("refuses %j and says why", async (argv, message) => {
    await expect(runCli(argv)).rejects.toThrow(message);
  });

  test.each([[["docto"]], [["doctor", "--overley", "dev"]], [["trace", "ftp://x"]], [["trace"]]])(
    "rejects a wrong command line: %j",
    async (argv) => {
      const { code, stderr } = await runCli(argv);
      expect(code).toBe(2);
      expect(stderr).toMatch(/error: /);
    },
  );

  test.each(["doctor", "provision", "trace"])("explains %s with examples", async (command) => {
    const { code, stdout } = await runCli([command, "--help"]);
    expect(stdout).toMatch(new RegExp(`Usage: kong-serverless ${command}[^]*Examples:`));
    expect(code).toBe(0);
  });

  test("prints provisioning as a diff, and exits 1 after a dry run that found a difference", async () => {
    await using emulator = await QueueEmulator.start();
    for (const [name, value] of Object.entries(emulator.env)) vi.stubEnv(name, value);
    const run = (...options: string[]) =>
      runCli(["provision", "--overlay", "base", ...options], {
        endpointUrl: emulator.env["AWS_ENDPOINT_URL"],
      });
    const dry = await run("--dry-run");
    expect(dry.stdout).toMatch(
      /^\+ topic wake-demo-backend\n\+ queue wake-demo-backend\n {4}MessageRetentionPeriod: 60/,
    );
    expect(dry.code).toBe(1);
    expect((await run()).code).toBe(0);
    const again = await run("--dry-run");
    expect(again.stdout).toMatch(/^= topic wake-demo-backend\n= queue[^]*Everything is as it should be\.\n$/);
    expect(again.code).toBe(0);
  });
});

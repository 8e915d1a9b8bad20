import { QueueEmulator } from "@kong-serverless/testing";
import { afterEach, describe, expect, test, vi } from "vitest";

import type { Diagnosis } from "./doctor/diagnosis.ts";
import { runBin, runCli } from "./testing/run-cli.ts";

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

  test("says so as JSON too, where it is asked for JSON", async () => {
    const { code, stdout } = await runBin(["doctor", "--file", "/nowhere.yaml", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: "CONFIG_INVALID" } });
    expect(code).toBe(2);
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
    "takes no wrong command line: %j",
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

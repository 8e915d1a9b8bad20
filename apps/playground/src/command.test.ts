import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { readCommand } from "./command.ts";

class Exited extends Error {}

let written = "";
beforeEach(() => {
  written = "";
  const write = (text: string | Uint8Array) => {
    written += String(text);
    return true;
  };
  vi.spyOn(process.stderr, "write").mockImplementation(write);
  vi.spyOn(process.stdout, "write").mockImplementation(write);
  vi.spyOn(process, "exit").mockImplementation((code) => {
    throw new Exited(String(code));
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

it("plays the base on port 8000, with shortened times, until it is stopped", () => {
  expect(readCommand([])).toEqual({
    port: 8000,
    pagePort: 8001,
    once: false,
    json: false,
    realTimes: false,
    manifests: "deploy/base",
    daprd: "daprd",
    instantWake: false,
    chain: false,
    fairJobs: false,
  });
});

it("reads the options, also after the `--` that pnpm passes on", () => {
  expect(readCommand(["--", "--port", "0", "--once", "--json", "--real-times"])).toMatchObject({
    port: 0,
    once: true,
    json: true,
    realTimes: true,
  });
});

it("plays instant wakes, a chain and fair jobs on request", () => {
  expect(readCommand(["--instant-wake"])).toMatchObject({ instantWake: true, chain: false });
  expect(readCommand(["--chain"])).toMatchObject({ instantWake: false, chain: true });
  expect(readCommand(["--fair-jobs"])).toMatchObject({ chain: false, fairJobs: true });
});

it.each(["", "eighty", "80.5", "-1", "65536", "1e9"])(
  "refuses the port %j and says what is allowed",
  (port) => {
    expect(() => readCommand(["--port", port])).toThrow(new Exited("2"));
    expect(written).toMatch(/--port <number>.*Allowed: a whole number from 0 to 65535/);
  },
);

it.each([
  ["any port with a gateway at any", ["--port", "0"], 0],
  ["none for the story", ["--once"], undefined],
  ["the one that is asked for", ["--once", "--page-port", "9000"], 9000],
])("gives the page %s", (_, argv, pagePort) => {
  expect(readCommand(argv).pagePort).toBe(pagePort);
});

it("refuses an option that it does not know, and names the one that was meant", () => {
  expect(() => readCommand(["--prot", "80"])).toThrow(new Exited("2"));
  expect(written).toMatch(/unknown option '--prot'\n\(Did you mean --port\?\)\n$/);
});

it("refuses an argument that belongs to no option", () => {
  expect(() => readCommand(["8080"])).toThrow(new Exited("2"));
});

it("refuses --json without --once", () => {
  expect(() => readCommand(["--json"])).toThrow(/--json: allowed only with --once/);
});

it("prints its help and exits 0", () => {
  expect(() => readCommand(["--help"])).toThrow(new Exited("0"));
  expect(written).toContain("--real-times");
});

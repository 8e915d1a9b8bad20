import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { ProcessTerminal } from "./terminal.ts";

class Screen extends PassThrough {
  readonly isTTY: boolean;
  readonly columns = 40;
  constructor(isTTY: boolean) {
    super({ encoding: "utf8" });
    this.isTTY = isTTY;
  }
  getColorDepth = () => (process.env["NO_COLOR"] ? 1 : 8);
  get text(): string {
    return String(this.read() ?? "");
  }
}

function open({ isTty = true, isColored = true, showsProgress = true } = {}) {
  const [stdout, stderr] = [new Screen(isTty), new Screen(isTty)];
  return { stdout, stderr, terminal: new ProcessTerminal({ stdout, stderr, isColored, showsProgress }) };
}

beforeEach(() => {
  vi.useFakeTimers();
  for (const name of ["NO_COLOR", "FORCE_COLOR", "NODE_DISABLE_COLORS"]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe("progress", () => {
  test("is silent about what takes less than a second", () => {
    const { terminal, stderr } = open();
    terminal.progress("Looking");
    vi.advanceTimersByTime(999);
    terminal.endProgress();
    vi.advanceTimersByTime(5_000);
    expect(stderr.text).toBe("");
  });

  test("is one line on a terminal, which the result replaces", () => {
    const { terminal, stderr, stdout } = open();
    terminal.progress("Looking at the first");
    vi.advanceTimersByTime(1_000);
    terminal.progress(`Looking at ${"x".repeat(80)}`);
    terminal.print("done");
    const shown = stderr.text;
    expect(shown.split("\r\u001B[K")).toEqual([
      "",
      "Looking at the first ...",
      expect.stringMatching(/^Looking at x+$/),
      "",
    ]);
    expect(Math.max(...shown.split("\r").map((line) => stripVTControlCharacters(line).length))).toBe(39);
    expect(stdout.text).toBe("done\n");
  });

  test("is plain lines elsewhere, one for each step that takes long", () => {
    const { terminal, stderr } = open({ isTty: false });
    terminal.progress("quick");
    vi.advanceTimersByTime(500);
    terminal.progress("slow");
    vi.advanceTimersByTime(10_000);
    terminal.progress("slow too");
    vi.advanceTimersByTime(1_000);
    terminal.print("done");
    expect(stderr.text).toBe("slow ...\nslow too ...\n");
  });

  test("is never shown if the result is for a program", () => {
    const { terminal, stderr } = open({ showsProgress: false });
    terminal.progress("Looking");
    vi.advanceTimersByTime(5_000);
    expect(stderr.text).toBe("");
  });
});

describe("colours", () => {
  const finding = "error HOLD_TOO_SHORT\n  why: an error in the text stays plain";
  const red = "\u001B[31merror\u001B[39m HOLD_TOO_SHORT\n  why: an error in the text stays plain\n";
  const plain = `${finding}\n`;

  test("mark the first word of a finding on a terminal", () => {
    const { terminal, stdout } = open();
    terminal.print(finding);
    expect(stdout.text).toBe(red);
  });

  test.each([
    ["with --no-color", { isColored: false }, {}],
    ["with NO_COLOR", {}, { NO_COLOR: "1" }],
    ["without a terminal", { isTty: false }, {}],
  ])("are absent %s", (_, options, environment) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const { terminal, stdout } = open(options);
    terminal.print(finding);
    expect(stdout.text).toBe(plain);
  });

  test("come without a terminal with FORCE_COLOR", () => {
    vi.stubEnv("FORCE_COLOR", "1");
    const { terminal, stdout } = open({ isTty: false });
    terminal.print(finding);
    expect(stdout.text).toBe(red);
  });

  test("cannot be set by what is printed", () => {
    const { terminal, stdout } = open();
    terminal.print("name \u001B[31mred");
    expect(stdout.text).toBe("name \\u001b[31mred\n");
  });
});

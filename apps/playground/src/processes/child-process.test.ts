import { isAlive } from "@kong-serverless/testing";
import { expect, it, onTestFinished } from "vitest";

import { ChildProcess } from "./child-process.ts";

/** Runs JavaScript in a process of its own, with the lines that it prints. */
function run(script: string, command = process.execPath) {
  const lines: string[] = [];
  const child = new ChildProcess({
    command,
    args: ["--eval", script],
    environment: { GREETING: "up" },
    onLine: (line) => lines.push(line),
  });
  onTestFinished(() => child.kill());
  return { child, lines, saidSo: (line: string) => expect.poll(() => lines).toContain(line) };
}

const stay = "setInterval(() => {}, 1000); console.log(process.env.GREETING);";
const ignoreTerm = `process.on("SIGTERM", () => console.log("ignored"));`;
/** Starts a process that outlives its parent, and prints its id. */
const startGrandchild = `
  const { spawn } = require("node:child_process");
  const grandchild = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  grandchild.unref();
  console.log("grandchild " + grandchild.pid);
`;
const grandchildOf = (lines: readonly string[]) =>
  Number(lines.find((line) => line.startsWith("grandchild "))?.split(" ")[1]);

it("passes on what the process prints on stdout and stderr, and how it exited", async () => {
  const { child, lines, saidSo } = run(`console.log("out"); console.error("err"); process.exitCode = 3;`);
  expect(await child.exited).toEqual({ code: 3, signal: null });
  await saidSo("out");
  await saidSo("err");
  expect(lines).toHaveLength(2);
  expect(child.isRunning).toBe(false);
});

it("gives the process exactly the given environment", async () => {
  const { lines } = run(`console.log(Object.keys(process.env).join())`);
  await expect.poll(() => lines).toEqual(["GREETING"]);
});

it("ends the process with SIGTERM", async () => {
  const { child, saidSo } = run(stay);
  await saidSo("up");
  await child.stop(10_000);
  expect(await child.exited).toEqual({ code: null, signal: "SIGTERM" });
});

it("kills a process that outlives the grace period", async () => {
  const { child, saidSo } = run(ignoreTerm + stay);
  await saidSo("up");
  await child.stop(50);
  expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });
});

it("sends SIGTERM only once, and lets a shorter grace period win", async () => {
  const { child, lines, saidSo } = run(ignoreTerm + stay);
  await saidSo("up");
  const patient = child.stop(60_000);
  await saidSo("ignored");
  await child.stop(50);
  await patient;
  expect(lines.filter((line) => line === "ignored")).toHaveLength(1);
});

it("also ends what the process had started, whether killed or stopped", async () => {
  const killed = run(startGrandchild + stay);
  const stopped = run(startGrandchild + stay);
  await Promise.all([killed.saidSo("up"), stopped.saidSo("up")]);
  const grandchildren = [grandchildOf(killed.lines), grandchildOf(stopped.lines)];
  expect(grandchildren.map(isAlive)).toEqual([true, true]);
  killed.child.kill();
  await stopped.child.stop(10_000);
  await expect.poll(() => grandchildren.map(isAlive)).toEqual([false, false]);
});

it("ends what a process had started if it exits by itself, as a container does", async () => {
  const { child, lines } = run(startGrandchild);
  await child.exited;
  await expect.poll(() => grandchildOf(lines)).toBeGreaterThan(0);
  await expect.poll(() => isAlive(grandchildOf(lines))).toBe(false);
});

it("exits with code 127, and says why, if there is no such command", async () => {
  const { child, lines } = run("", "no-such-command");
  expect(await child.exited).toEqual({ code: 127, signal: null });
  expect(lines).toEqual(["spawn no-such-command ENOENT"]);
  expect(child.pid).toBeUndefined();
  await child.stop(1_000);
});

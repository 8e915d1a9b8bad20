import { describe, expect, test } from "vitest";

import { spawnApp } from "./spawn-app.ts";

const run = (source: string) => spawnApp({ nodeArgs: ["--input-type=module", "--eval"], entry: source });
const say = (line: object) => `console.log(${JSON.stringify(JSON.stringify(line))});`;
const stay = "setInterval(() => {}, 1000);";

describe("spawnApp", () => {
  test("waits for an event, past or to come, and tells log lines from other output", async () => {
    await using app = run(
      `${say({ event: "first", n: 1 })} console.log("hello"); ${say({ event: "first", n: 2 })}`,
    );
    expect(await app.waitFor("first", { matches: ({ n }) => n === 2 })).toMatchObject({ n: 2 });
    expect(await app.exited).toEqual({ code: 0, signal: null });
    expect(await app.waitFor("first")).toMatchObject({ n: 1 });
    expect(app.output).toBe("hello\n");
  });

  test("waits for what is written besides the log, on stdout or stderr", async () => {
    await using app = run(`
      process.once("SIGUSR2", () => process.stderr.write("bye"));
      ${say({ event: "up" })} console.log("port 8000"); ${stay}
    `);
    expect((await app.waitForOutput(/port (\d+)/))[1]).toBe("8000");
    app.signal("SIGUSR2");
    await app.waitForOutput(/bye/);
    await expect(app.waitForOutput(/no such thing/, { timeoutMs: 20 })).rejects.toThrow(
      /^no output \/no such thing\/ within 20 ms; it said:/,
    );
  });

  test("fails to wait as soon as the process has ended, and quotes what it said", async () => {
    await using app = run(`process.stderr.write("no such queue"); process.exitCode = 3;`);
    await expect(app.waitFor("ready")).rejects.toThrow(
      /no log event ready before the process ended \(3\); it said:\s+no such queue/,
    );
  });

  test("fails to wait when time is up", async () => {
    await using app = run(stay);
    await expect(app.waitFor("ready", { timeoutMs: 20 })).rejects.toThrow("no log event ready within 20 ms");
  });

  test("reports a process that outlives its signal, and ends it", async () => {
    await using app = run(`process.on("SIGTERM", () => {}); ${say({ event: "up" })} ${stay}`);
    await app.waitFor("up");
    await expect(app.stop("SIGTERM", 50)).rejects.toThrow("still running 50 ms after SIGTERM");
    expect(await app.exited).toEqual({ code: null, signal: "SIGKILL" });
  });

  test("kills the process at the end of its scope", async () => {
    let exited: Promise<unknown>;
    {
      await using app = run(stay);
      ({ exited } = app);
    }
    expect(await exited).toEqual({ code: null, signal: "SIGKILL" });
  });
});

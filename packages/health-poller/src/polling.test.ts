import { fileURLToPath } from "node:url";

import { ScriptedBackend, spawnApp } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import { probe } from "./probe.ts";
import { waitUntilReady } from "./wait-until-ready.ts";

/** The interval is longer than an answer takes on a machine that is busy: the number of probes is to be known. */
const waitFor = (url: string) =>
  waitUntilReady({
    probe: (signal) => probe({ url, timeoutMs: 5000 }, signal),
    intervalMs: 250,
    deadlineMs: 10_000,
  });

describe("waiting for a backend over HTTP", () => {
  test("goes on through refusals, failures and hang-ups to the first ready answer", async () => {
    await using backend = await new ScriptedBackend(503, "hang-up", 500, 200).start();
    await waitFor(backend.readinessUrl);
    expect(backend.probes).toBe(4);
  });

  test("loses nothing to a probe that hangs", async () => {
    await using backend = await new ScriptedBackend("silence", 200).start();
    expect(await waitFor(backend.readinessUrl)).toMatchObject({ attempts: 2 });
  });

  test("finds a backend that begins to listen while it is waited for, by name as well as by address", async () => {
    await using backend = await new ScriptedBackend(200).start();
    await backend.stop();
    const waiting = [
      waitFor(backend.readinessUrl),
      waitFor(backend.readinessUrl.replace("127.0.0.1", "localhost")),
    ];
    await backend.start();
    await Promise.all(waiting);
    expect(backend.probes).toBe(2);
  });

  test("leaves nothing behind that keeps a process from ending", async () => {
    await using backend = await new ScriptedBackend(200).start();
    const source = fileURLToPath(new URL("index.ts", import.meta.url));
    await using app = spawnApp({
      nodeArgs: ["--input-type=module", "--eval"],
      entry: `import { probe } from ${JSON.stringify(source)};
              const url = ${JSON.stringify(backend.readinessUrl.replace("127.0.0.1", "localhost"))};
              console.log((await probe({ url, timeoutMs: 60_000 })).status);`,
    });
    expect(await app.exited).toEqual({ code: 0, signal: null });
    expect(app.output).toBe("200\n");
  });
});

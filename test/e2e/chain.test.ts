import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { spawnApp } from "@kong-serverless/testing";
import { expect, onTestFinished, test } from "vitest";

const workspace = join(import.meta.dirname, "../..");
const deadlineMs = 45_000;

test(
  "one request wakes the demo backend and the service behind it, and is answered by both",
  {
    timeout: 90_000,
  },
  async () => {
    const temporaryFolder = await mkdtemp(join(tmpdir(), "chain-"));
    onTestFinished(() => rm(temporaryFolder, { recursive: true, force: true }));
    const app = spawnApp({
      entry: join(workspace, "apps/playground/dist/main.js"),
      args: ["--daprd", "no-such-daprd", "--port", "0", "--chain"],
      env: { TMPDIR: temporaryFolder },
    });
    onTestFinished(async () => void (await app.stop("SIGTERM")));
    const [, url = ""] = await app.waitForOutput(/curl (http:\S+)\/ /, { timeoutMs: 15_000 });

    // The demo backend calls the other one once, without a retry: it must be up by then.
    const response = await fetch(`${url}/chain`, { signal: AbortSignal.timeout(deadlineMs) });
    const { answeredBy, next } = (await response.json()) as {
      answeredBy: { pid: number };
      next: { answeredBy: { pid: number } };
    };
    expect(response.status).toBe(200);
    expect(next.answeredBy.pid).not.toBe(answeredBy.pid);
    await app.waitForOutput(/cold start of demo-store, woken along with demo-backend/, {
      timeoutMs: deadlineMs,
    });
    await app.waitForOutput(/cold start of demo-backend:/, { timeoutMs: deadlineMs });
    // Both scale to zero when nobody needs them.
    await app.waitForOutput(/demo-store: 1 -> 0/, { timeoutMs: deadlineMs });
  },
);

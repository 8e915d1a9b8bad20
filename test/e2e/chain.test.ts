import { expect, test } from "vitest";

import { RunningPlayground } from "./running-playground.ts";

const deadlineMs = 45_000;

test(
  "one request wakes the demo backend and the service behind it, and is answered by both",
  {
    timeout: 90_000,
  },
  async () => {
    await using playground = await RunningPlayground.spawn(["--chain"]);
    const { app } = playground;

    // The demo backend calls the other one once, without a retry: it must be up by then.
    const response = await fetch(`${await playground.url()}/chain`, {
      signal: AbortSignal.timeout(deadlineMs),
    });
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

import { probe, waitUntilReady } from "@kong-serverless/health-poller";

import type { ChildProcess } from "./child-process.ts";

export interface UntilReadyOptions {
  /** For error messages. */
  readonly name: string;
  /** Answers 2xx or 3xx once the process is ready. */
  readonly url: string;
  readonly signal: AbortSignal;
}

const startDeadlineMs = 20_000;

/** Waits until a new process is ready. If it exits first, the time is up or `signal` aborts, kills it and rejects. */
export async function untilReady(
  child: ChildProcess,
  { name, url, signal }: UntilReadyOptions,
): Promise<void> {
  const ended = new AbortController();
  void child.exited.then(({ code, signal: killedBy }) =>
    ended.abort(new Error(`${name} ended at its start (${killedBy ?? `exit code ${code}`})`)),
  );
  try {
    await waitUntilReady({
      probe: (attempt) => probe({ url, timeoutMs: 1_000 }, attempt),
      intervalMs: 20,
      deadlineMs: startDeadlineMs,
      signal: AbortSignal.any([signal, ended.signal]),
    });
  } catch (error) {
    child.kill();
    throw error;
  }
}

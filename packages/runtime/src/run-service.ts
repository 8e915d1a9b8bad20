import { inspect } from "node:util";

import { ServerlessError } from "./error.ts";
import type { Log } from "./log.ts";

export interface RunningService {
  /** Ends the service's work and frees everything it holds. Called once, at the first SIGTERM or SIGINT. */
  stop(): Promise<void>;
}

/**
 * Runs a process's service: starts it, stops it at the first SIGTERM or SIGINT and exits 0, exits at once (1) at the second.
 * A signal that comes during the start stops the service as soon as it has started: as a container's first process, which
 * has no default for signals, it would be deaf otherwise. A start that fails prints the reason on stderr and exits 1.
 */
export async function runService(
  log: Log,
  start: () => Promise<RunningService> | RunningService,
): Promise<void> {
  const stopSignal = listenForStop(log);
  const service = await startOrExit(start);
  void stopSignal.then(async (signal) => {
    log.info({ signal }, "service.stopping");
    try {
      await service.stop();
      log.info({}, "service.stopped");
      process.exit(0);
    } catch (error) {
      log.error({ error }, "service.stop_failed");
      process.exit(1);
    }
  });
}

/** Resolves at the first signal to stop; at the second the process exits. */
function listenForStop(log: Log): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (isStopping) {
      log.warn({ signal }, "service.killed");
      process.exit(1);
    }
    isStopping = true;
    resolve(signal);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return promise;
}

async function startOrExit(start: () => Promise<RunningService> | RunningService): Promise<RunningService> {
  try {
    return await start();
  } catch (error) {
    // A known error says all in its message; the stack of an unknown one is the only clue that there is.
    process.stderr.write(`${error instanceof ServerlessError ? error.message : inspect(error)}\n`);
    process.exit(1);
  }
}

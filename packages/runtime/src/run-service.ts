import { inspect } from "node:util";

import { ServerlessError } from "./error.ts";
import type { Log } from "./log.ts";

export interface RunningService {
  /** Ends the service's work and frees everything it holds. Called once, at the first SIGTERM or SIGINT. */
  stop(): Promise<void>;
}

/**
 * Runs a process's service: starts it, stops it at the first SIGTERM or SIGINT and exits 0, exits at once (1) at the second.
 * A start that fails prints the reason on stderr and exits 1: nothing starts half.
 */
export async function runService(
  log: Log,
  start: () => Promise<RunningService> | RunningService,
): Promise<void> {
  const service = await startOrExit(start);
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (isStopping) {
      log.warn({ signal }, "service.killed");
      process.exit(1);
    }
    isStopping = true;
    log.info({ signal }, "service.stopping");
    service.stop().then(
      () => {
        log.info({}, "service.stopped");
        process.exit(0);
      },
      (error: unknown) => {
        log.error({ error }, "service.stop_failed");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
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

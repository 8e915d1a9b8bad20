import { pino } from "pino";

type LogMethod = (fields: object, event: string) => void;

/** A structured log: a fixed event name (past tense, `activation.started`) and its fields. pino's loggers are of this type. */
export interface Log {
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
}

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Writes one line of JSON an event to stdout: `{"level":"info","time":1763900000000,"app":...,"event":...}`; time in epoch ms. */
export function createLog(app: string, level: LogLevel = "info"): Log {
  const options = {
    level,
    base: { app },
    messageKey: "event",
    errorKey: "error",
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, standardOutput());
}

/**
 * stdout, whether or not anything reads it. pino's own destination retries forever when the reader has gone, and a process that
 * wants to exit then never does; the work matters more than its log.
 */
function standardOutput(): NodeJS.WriteStream {
  if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", () => {});
  return process.stdout;
}

/** Drops everything: the default of parts that take a log and were given none. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

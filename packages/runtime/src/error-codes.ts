/** What an error code means and what helps. docs/errors.md is generated from this table, so it lists exactly these. */
export interface ErrorCode {
  /** HTTP status that a client of the gateway or of an app sees; absent where the error never reaches one. */
  readonly status?: number;
  readonly meaning: string;
  readonly remedy: string;
}

export const errorCodes = {
  CONFIG_INVALID: {
    meaning: "A configuration value is unknown, missing or not allowed. Nothing was started.",
    remedy: "The message names the file or variable, the path in it, what was found and what is allowed.",
  },
  PORT_UNAVAILABLE: {
    meaning: "A TCP port could not be opened for listening.",
    remedy: "End the process that holds it, or choose another port with the setting that the message names.",
  },
  NOT_READY_IN_TIME: {
    status: 503,
    meaning: "What had to become ready (a backend, a sidecar, a queue endpoint) did not within its deadline.",
    remedy:
      "The message says what was last seen. Look at the logs of what did not start, or allow it more time.",
  },
} as const satisfies Record<string, ErrorCode>;

export type ErrorCodeName = keyof typeof errorCodes;

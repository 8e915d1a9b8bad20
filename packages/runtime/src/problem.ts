import { STATUS_CODES } from "node:http";

import { type ErrorCode, type ErrorCodeName, errorCodes } from "./error-codes.ts";

export interface Problem {
  /** Gives the answer its title, and its status unless there is one here. See docs/errors.md. */
  readonly code?: ErrorCodeName;
  readonly status?: number;
  /** What is wrong with this request in particular. */
  readonly detail?: string;
  /** When it is worth trying again. */
  readonly retryAfterSeconds?: number;
  /** Further members of the answer. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An error as an HTTP answer: `application/problem+json`, https://www.rfc-editor.org/rfc/rfc9457. */
export function problem({ code, detail, retryAfterSeconds, more, ...given }: Problem): ProblemAnswer {
  const known: Partial<ErrorCode> = code === undefined ? {} : errorCodes[code];
  const status = given.status ?? known.status ?? 500;
  const title = known.meaning ?? STATUS_CODES[status] ?? "Error";
  return {
    status,
    headers: {
      "content-type": "application/problem+json",
      ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
    },
    body: JSON.stringify({ title, status, detail, code, ...more }),
  };
}

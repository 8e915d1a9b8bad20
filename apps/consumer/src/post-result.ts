import type { JobResult } from "@kong-serverless/config";
import { backoffMs, ServerlessError, sleep, withDeadline } from "@kong-serverless/runtime";
import type { HandlerContext, Message } from "@kong-serverless/sqs-worker";

import { toHeaderValue } from "./header-value.ts";

export interface CallbackOptions extends Pick<HandlerContext, "signal" | "log"> {
  /** Per attempt, in ms. The receiver may have to be woken first. */
  readonly timeoutMs: number;
  /** The job's message, whose idempotency key and trace are passed on to the receiver. */
  readonly message: Message;
}

/** The receiver's answer means that it will never accept this result. */
export class CallbackRefusedError extends ServerlessError {
  constructor(url: string, status: number) {
    super("CALLBACK_FAILED", `${url} refused the result with status ${status}.`);
  }
}

const maxAttempts = 5;
const pauses = { firstMs: 500, maxMs: 10_000 };

/**
 * Posts a job's result, with retries. Fails with CALLBACK_FAILED after the last attempt, with a CallbackRefusedError when the
 * receiver's answer makes further attempts pointless, or with the signal's reason.
 */
export async function postResult(url: string, result: JobResult, options: CallbackOptions): Promise<void> {
  const { signal, log } = options;
  for (let attempt = 1; ; attempt += 1) {
    const { status, reason } = await postOnce(url, result, options);
    if (status !== undefined && status >= 200 && status < 300) return;
    signal.throwIfAborted();
    if (status !== undefined && !mayPassLater(status)) throw new CallbackRefusedError(url, status);
    log.warn({ messageId: options.message.id, url, attempt, status, reason }, "callback.failed");
    if (attempt === maxAttempts) {
      throw new ServerlessError(
        "CALLBACK_FAILED",
        `${url} did not accept the result in ${attempt} attempts; last: ${reason ?? `status ${status}`}.`,
      );
    }
    await sleep(backoffMs(attempt, pauses), signal);
  }
}

async function postOnce(
  url: string,
  result: JobResult,
  { timeoutMs, message, signal }: CallbackOptions,
): Promise<{ status?: number; reason?: string }> {
  using deadline = withDeadline(timeoutMs, () => new Error(`no answer within ${timeoutMs} ms`), signal);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": toHeaderValue(message.idempotencyKey),
        ...message.trace,
      },
      body: JSON.stringify(result),
      // The allow-list was checked for this URL, not for where it may redirect to.
      redirect: "manual",
      signal: deadline.signal,
    });
    await response.body?.cancel();
    return { status: response.status };
  } catch (error) {
    // fetch hides connection errors in the cause.
    const { message: text, cause } = error as Error;
    return { reason: cause instanceof Error ? cause.message || String(cause) : text };
  }
}

/** Statuses after which the same request may succeed. */
function mayPassLater(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

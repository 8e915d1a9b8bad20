import { hostname } from "node:os";

import { ConfigError, type Job, type JobResult, jobSchema, parseConfig } from "@kong-serverless/config";
import { sleep } from "@kong-serverless/runtime";
import type { Handler, HandlerContext, Message } from "@kong-serverless/sqs-worker";

import { isAllowedHost } from "../allowed-hosts.ts";
import { CallbackRefusedError, type CallbackOptions, postResult } from "../post-result.ts";

export interface JobsOptions extends Pick<CallbackOptions, "timeoutMs"> {
  /** `host` or `host:port`, in lower case. */
  readonly callbackHosts: readonly string[];
  /** The longest job that can end within the handler's time limit. */
  readonly maxDurationMs: number;
}

const handledBy = `${hostname()}-${process.pid}`;

/** Does the demo's jobs: works for as long as the job says, then posts the result to the URL that it names. */
export function createJobsHandler({ callbackHosts, timeoutMs, maxDurationMs }: JobsOptions): Handler {
  return async (message, context) => {
    const job = readJob(message, context);
    if (!isAllowedHost(job.callbackUrl, callbackHosts)) {
      context.reject(`callbackUrl: the host of ${job.callbackUrl} is not one of CALLBACK_HOSTS`);
    }
    if (job.durationMs >= maxDurationMs) {
      context.reject(
        `durationMs: ${job.durationMs} is not below the handler's time limit of ${maxDurationMs} ms`,
      );
    }
    const startedAt = new Date().toISOString();
    await sleep(job.durationMs, context.signal);
    const finishedAt = new Date().toISOString();
    const result: JobResult = { id: job.id, status: "done", handledBy, startedAt, finishedAt };
    try {
      await postResult(job.callbackUrl, result, { timeoutMs, message, ...context });
    } catch (error) {
      // Doing the work again would not change the answer.
      if (error instanceof CallbackRefusedError) context.reject(error.message, error);
      throw error;
    }
  };
}

function readJob({ data }: Message, context: HandlerContext): Job {
  try {
    return parseConfig(jobSchema, data, "The job");
  } catch (error) {
    if (error instanceof ConfigError) context.reject(error.message, error);
    throw error;
  }
}

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";

import { getConnInfo } from "@hono/node-server/conninfo";
import { type Job, jobResultSchema } from "@kong-serverless/config";
import type { PublishMessage } from "@kong-serverless/dapr-publisher";
import { type Log, ServerlessError } from "@kong-serverless/runtime";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";

import type { JobStore } from "./job-store.ts";
import { answerProblem, parseRequest } from "./problem.ts";
import type { WorkBudget } from "./work-budget.ts";

export interface JobPublisher {
  publish(message: PublishMessage): Promise<void>;
}

export interface JobRoutesOptions {
  readonly publisher: JobPublisher;
  readonly store: JobStore;
  /** How much each submitter may queue. */
  readonly budget: WorkBudget;
  /** The longest job that is accepted. */
  readonly maxDurationMs: number;
  readonly log: Log;
  /** Base address of the gateway, which results are posted to. */
  readonly gatewayUrl: string;
  readonly pubsub: string;
  readonly topic: string;
  /** Topic for jobs that are not prompt; undefined: the same as for prompt ones. */
  readonly bulkTopic: string | undefined;
}

const newJobsSchema = (maxDurationMs: number) =>
  z.strictObject({
    durationMs: z.int().min(0).max(maxDurationMs).default(Math.min(1000, maxDurationMs)),
    count: z.int().min(1).max(100).default(1),
  });
const maxBodyBytes = 16 * 1024;

/** Accepts jobs, hands them to the consumer through the queue, accepts their results, and shows both. */
export function jobRoutes(options: JobRoutesOptions): Hono {
  const { store, budget, log } = options;
  const schema = newJobsSchema(options.maxDurationMs);
  return new Hono()
    .use(bodyLimit({ maxSize: maxBodyBytes, onError: refuseLargeBody }))
    .get("/", (c) => c.json({ replica: { hostname: hostname(), pid: process.pid }, jobs: store.counts() }))
    .post("/", async (c) => {
      const { durationMs, count } = parseRequest(schema, await readJson(c), "The request body");
      const prompt = budget.spend(submitterOf(c), { count, durationMs });
      const jobs = Array.from({ length: count }, () => createJob(durationMs, options.gatewayUrl));
      return answerNewJobs(jobs, await publishAll(jobs, prompt, options));
    })
    .get("/:id", (c) => {
      const id = c.req.param("id");
      const record = store.get(id);
      if (record !== undefined) return c.json(record);
      throw new ServerlessError(
        "NOT_FOUND",
        `This replica (${hostname()}, process ${process.pid}) does not know job ${id}. Jobs and results live in the memory of the replica that accepted them and are lost when it stops.`,
      );
    })
    .post("/:id/result", async (c) => {
      const result = parseRequest(jobResultSchema, await readJson(c), "The request body");
      if (result.id !== c.req.param("id")) {
        throw new ServerlessError(
          "REQUEST_INVALID",
          `The result is for job ${result.id}, not for the one in the path.`,
        );
      }
      if (store.finish(result)) {
        log.info({ id: result.id, status: result.status, handledBy: result.handledBy }, "job.finished");
      }
      return c.body(null, 204);
    });
}

/** The client as the gateway saw it: Kong overwrites this header. Without a gateway, the peer's address. */
function submitterOf(c: Context): string {
  return c.req.header("x-real-ip")?.slice(0, 64) ?? getConnInfo(c).remote.address ?? "unknown";
}

function createJob(durationMs: number, gatewayUrl: string): Job {
  const id = randomUUID();
  return { id, kind: "demo", durationMs, callbackUrl: `${gatewayUrl}/jobs/${id}/result` };
}

/** Publishes concurrently, the first `prompt` jobs to the prompt topic. Resolves with the failures, by job. */
async function publishAll(
  jobs: readonly Job[],
  prompt: number,
  { publisher, store, pubsub, topic, bulkTopic = topic, log }: JobRoutesOptions,
): Promise<ReadonlyMap<Job, unknown>> {
  const failures = new Map<Job, unknown>();
  await Promise.all(
    jobs.map(async (job, index) => {
      // First, because the result may arrive before the sidecar's answer.
      store.add(job);
      try {
        await publisher.publish({ pubsub, topic: index < prompt ? topic : bulkTopic, data: job });
      } catch (error) {
        store.drop(job.id);
        failures.set(job, error);
      }
    }),
  );
  const published = jobs.length - failures.size;
  if (published > 0) log.info({ count: published }, "jobs.published");
  if (failures.size > 0) {
    const [reason] = failures.values();
    log.warn({ count: failures.size, reason: String(reason) }, "jobs.not_published");
  }
  return failures;
}

function answerNewJobs(jobs: readonly Job[], failures: ReadonlyMap<Job, unknown>): Response {
  const ids = jobs.filter((job) => !failures.has(job)).map(({ id }) => id);
  const [failure] = failures.values();
  if (failure === undefined) {
    const location = ids.length === 1 ? `/jobs/${ids[0]}` : "/jobs";
    return Response.json({ ids }, { status: 202, headers: { location } });
  }
  if (!(failure instanceof ServerlessError)) throw failure;
  return answerProblem({
    code: failure.code,
    detail: `${failures.size} of ${jobs.length} jobs were not accepted. ${failure.message}`,
    more: { ids },
  });
}

/** An empty body counts as an empty object, so that a plain `curl -X POST` works. */
async function readJson(c: Context): Promise<unknown> {
  const text = await c.req.text();
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ServerlessError("REQUEST_INVALID", "The request body is not JSON.", { cause });
  }
}

function refuseLargeBody(): Response {
  return answerProblem({
    status: 413,
    code: "REQUEST_INVALID",
    detail: `The request body is larger than ${maxBodyBytes} bytes.`,
  });
}

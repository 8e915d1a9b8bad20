import * as z from "zod";

/** One piece of work, as it lies on the jobs queue: the demo backend sends it, the consumer's `jobs` handler does it. */
export const jobSchema = z.strictObject({
  id: z.uuid(),
  kind: z.literal("demo"),
  /** Milliseconds that the work takes; an hour at most, far beyond what fits into a pod's grace period. */
  durationMs: z.int().min(0).max(3_600_000),
  /** Where the result is posted: an address at the gateway, so that a sleeping receiver is woken and waited for. */
  callbackUrl: z.url({ protocol: /^https?$/ }),
});

export type Job = z.output<typeof jobSchema>;

/** What the consumer posts to a job's `callbackUrl` once the job has ended. */
export const jobResultSchema = z.strictObject({
  id: z.uuid(),
  status: z.enum(["done", "failed"]),
  /** Names the worker that did it: a host name, or a process id on one machine. */
  handledBy: z.string().min(1).max(253),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** Why it failed. */
  reason: z.string().max(1000).optional(),
});

export type JobResult = z.output<typeof jobResultSchema>;

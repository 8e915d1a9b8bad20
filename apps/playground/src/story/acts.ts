import { fetchSamples, sumSamples } from "@kong-serverless/runtime";

import type { ColdStartStep } from "../cold-starts.ts";
import {
  backend,
  collect,
  expect,
  peakReplicas,
  scalingOf,
  type StoryContext,
  until,
  worker,
} from "./story-context.ts";

export interface ColdStartResult {
  readonly requests: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly activations: number;
  readonly wakeMessages: number;
  readonly timeline: readonly ColdStartStep[];
  /** From the backend's first ready answer to the last answer of a held request. */
  readonly readyToAnsweredMs: number;
}

export interface WarmResult {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Probes and wake messages that a request waited for. */
  readonly probes: number;
  readonly wakeMessages: number;
  /** Those off the requests' path, which renew the lease and keep the backend warm. */
  readonly inBackground: { readonly probes: number; readonly wakeMessages: number };
}

export interface ScaleResult {
  readonly requests: number;
  readonly failed: number;
  readonly peakReplicas: number;
}

export interface JobsResult {
  readonly published: number;
  readonly handled: number;
  readonly peakReplicas: number;
}

const coldRequests = 20;
/** Well below the plugin's own hold limit, after which there is only a 503. */
const answerDeadlineMs = 45_000;

/** 20 requests at once to a backend at zero: every one answered by the backend, with one activation. */
export async function playColdStart(context: StoryContext): Promise<ColdStartResult> {
  const { playground, journal, coldStarts, signal } = context;
  expect(playground.replicaSets.get(backend)?.running === 0, "the backend runs before anybody called it");
  using plugin = collect(journal, ({ role, fields }) => role === "plugin" && fields["backend"] === backend);
  using started = collect(
    journal,
    ({ event, fields }) => event === "process.started" && fields["target"] === backend,
  );
  const answers = await Promise.all(
    Array.from({ length: coldRequests }, async () => {
      const response = await fetch(playground.url, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerDeadlineMs)]),
      });
      const body: unknown = await response.json();
      return { status: response.status, body, atMs: Date.now() };
    }),
  );
  const statuses = countBy(answers.map(({ status }) => String(status)));
  expect(
    statuses["200"] === coldRequests,
    `${coldRequests} answers with status 200 expected, got ${JSON.stringify(statuses)}`,
  );
  const pids = new Set(started.entries.map(({ fields }) => fields["pid"]));
  expect(
    answers.every(({ body }) => pids.has((body as { answeredBy?: { pid?: number } }).answeredBy?.pid)),
    "an answer did not come from a process of the backend",
  );
  const ofBackend = () => coldStarts.find(({ target }) => target === backend);
  await until(() => ofBackend() !== undefined, 5_000, "the timeline of the cold start", signal);
  const named = (event: string) => plugin.entries.filter((entry) => entry.event === event);
  const activations = named("activation.started").length;
  expect(activations === 1, `one activation expected, got ${activations}`);
  const readyAtMs = named("activation.ready")[0]?.atMs ?? Number.NaN;
  return {
    requests: coldRequests,
    statuses,
    activations,
    wakeMessages: named("wake.published").length,
    timeline: ofBackend()?.timeline ?? [],
    readyToAnsweredMs: Math.max(...answers.map(({ atMs }) => atMs)) - readyAtMs,
  };
}

function countBy(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

const warmRequests = 200;

/** 200 requests to a backend that is up, none of which waits for a probe or a wake message. */
export async function playWarm({ playground, signal }: StoryContext): Promise<WarmResult> {
  const { opsPort } = playground.pluginServer;
  const before = await readPluginCounters(opsPort, signal);
  const durations: number[] = [];
  for (let i = 0; i < warmRequests; i++) {
    const startedAt = performance.now();
    const response = await fetch(playground.url, { signal });
    await response.arrayBuffer();
    durations.push(performance.now() - startedAt);
    expect(response.status === 200, `warm request ${i + 1} was answered ${response.status}`);
  }
  const after = await readPluginCounters(opsPort, signal);
  const warm = {
    requests: warmRequests,
    p50Ms: percentile(durations, 0.5),
    p99Ms: percentile(durations, 0.99),
    probes: after.probes.onPath - before.probes.onPath,
    wakeMessages: after.wakes.onPath - before.wakes.onPath,
    inBackground: {
      probes: after.probes.inBackground - before.probes.inBackground,
      wakeMessages: after.wakes.inBackground - before.wakes.inBackground,
    },
  };
  expect(
    warm.probes === 0 && warm.wakeMessages === 0,
    `no probe and no wake message expected on the path of warm requests, got ${warm.probes} and ${warm.wakeMessages}`,
  );
  return warm;
}

/** Rounded to a hundredth of a millisecond. */
function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))] ?? Number.NaN;
  return Math.round(value * 100) / 100;
}

interface PluginCounters {
  readonly probes: { readonly onPath: number; readonly inBackground: number };
  readonly wakes: { readonly onPath: number; readonly inBackground: number };
}

/** Reads how many probes and wake messages the plugin server has sent. */
async function readPluginCounters(opsPort: number, signal: AbortSignal): Promise<PluginCounters> {
  const samples = await fetchSamples(`http://127.0.0.1:${opsPort}`, signal);
  const count = (metric: string, background: string) => {
    const inBackground = sumSamples(samples, metric, { reason: background });
    return { onPath: sumSamples(samples, metric) - inBackground, inBackground };
  };
  return {
    probes: count("serverless_probes_total", "lease"),
    wakes: count("serverless_wakes_total", "keep-warm"),
  };
}

const concurrency = 30;
const slowRequestMs = 300;
const scaleDeadlineMs = 30_000;
/** How long the load continues once there are several replicas, so that all of them serve. */
const lastingMs = 5_000;

/** Slow requests without a pause: both triggers are active, the backend gets a second replica, and no request fails. */
export async function playScale(context: StoryContext): Promise<ScaleResult> {
  const { playground, journal, signal } = context;
  const replicaSet = playground.replicaSets.get(backend);
  using scaling = collect(journal, scalingOf(backend));
  using triggers = collect(
    journal,
    ({ event, fields }) => event === "trigger.polled" && fields["target"] === backend,
  );
  const endsAt = performance.now() + scaleDeadlineMs;
  let severalSince: number | undefined;
  let requests = 0;
  const failures: string[] = [];
  const isGoingOn = () => {
    const isSeveral = (replicaSet?.readyPods ?? 0) > 1;
    severalSince = isSeveral ? (severalSince ?? performance.now()) : undefined;
    const hasLasted = severalSince !== undefined && performance.now() - severalSince > lastingMs;
    return !hasLasted && performance.now() < endsAt && !signal.aborted;
  };
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (isGoingOn()) {
        requests += 1;
        const failure = await requestSlowly(playground.url, signal);
        if (failure !== undefined) failures.push(failure);
      }
    }),
  );
  const peak = peakReplicas(scaling.entries, replicaSet?.replicas ?? 0);
  expect(failures.length === 0, `${failures.length} of ${requests} slow requests failed: ${failures[0]}`);
  expect(peak > 1, `2 replicas or more expected under load, got ${peak} within ${scaleDeadlineMs / 1000} s`);
  const active = new Set(
    triggers.entries.filter(({ fields }) => fields["isActive"]).map(({ fields }) => fields["type"]),
  );
  expect(
    active.has("aws-sqs-queue") && active.has("metrics-api"),
    `queue and demand expected to be active under load, got ${[...active].join(", ") || "none"}`,
  );
  return { requests, failed: failures.length, peakReplicas: peak };
}

async function requestSlowly(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/slow?ms=${slowRequestMs}`, { signal });
    await response.arrayBuffer();
    return response.status === 200 ? undefined : `status ${response.status}`;
  } catch (error) {
    return String(error);
  }
}

const jobs = { count: 50, durationMs: 1_000 };
const jobsDeadlineMs = 60_000;

/**
 * 50 jobs of one second: the worker scales from zero to several, handles all jobs and reports back through the gateway.
 */
export async function playJobs(context: StoryContext): Promise<JobsResult> {
  const { playground, journal, signal } = context;
  expect(playground.replicaSets.get(worker)?.replicas === 0, "the worker runs before there is work");
  using scaling = collect(journal, scalingOf(worker));
  using handled = collect(
    journal,
    ({ event, fields }) => event === "message.handled" && fields["target"] === worker,
  );
  const response = await fetch(`${playground.url}/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(jobs),
    signal,
  });
  const answer = await response.text();
  expect(response.status === 202, `POST /jobs was answered ${response.status}: ${answer}`);
  const handledIds = () => new Set(handled.entries.map(({ fields }) => fields["messageId"]));
  await until(() => handledIds().size >= jobs.count, jobsDeadlineMs, `${jobs.count} jobs handled`, signal);
  const peak = peakReplicas(scaling.entries, 0);
  expect(peak > 1, `2 workers or more expected for ${jobs.count} jobs, got ${peak}`);
  return { published: jobs.count, handled: handledIds().size, peakReplicas: peak };
}

/** On top of retention and cooldown: preStop, and a margin for a slow machine. */
const marginSeconds = 30;

/** No more traffic: every Deployment goes back to zero, and its last process ends. */
export async function playCooldown({ playground, settings, signal }: StoryContext): Promise<boolean> {
  const { wakeRetentionSeconds, cooldownSeconds } = settings;
  const replicaSets = [...playground.replicaSets.values()];
  await until(
    () => replicaSets.every(({ replicas, running }) => replicas === 0 && running === 0),
    (wakeRetentionSeconds.used + cooldownSeconds.used + marginSeconds) * 1000,
    `${replicaSets.map(({ name }) => name).join(" and ")} back at zero`,
    signal,
  );
  return true;
}

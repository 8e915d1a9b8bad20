import { backend, collect, expect, peakReplicas, scalingOf, type Stage } from "./stage.ts";
import type { StoryReport } from "./story.ts";

const concurrency = 30;
const requestMs = 300;
const deadlineMs = 30_000;
/** How long the load goes on once there are several replicas, so that all of them serve. */
const lastingMs = 5_000;

/** Slow requests without a pause: queue and demand are at work, the backend gets a second replica, no request fails. */
export async function playScale(stage: Stage): Promise<NonNullable<StoryReport["scale"]>> {
  const { playground, journal, signal } = stage;
  const replicaSet = playground.replicaSets.get(backend);
  using scaling = collect(journal, scalingOf(backend));
  using triggers = collect(
    journal,
    ({ event, fields }) => event === "trigger.polled" && fields["target"] === backend,
  );
  const endsAt = performance.now() + deadlineMs;
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
  expect(peak > 1, `2 replicas or more expected under load, got ${peak} within ${deadlineMs / 1000} s`);
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
    const response = await fetch(`${url}/slow?ms=${requestMs}`, { signal });
    await response.arrayBuffer();
    return response.status === 200 ? undefined : `status ${response.status}`;
  } catch (error) {
    return String(error);
  }
}

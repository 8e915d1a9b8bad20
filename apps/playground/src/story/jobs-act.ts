import { collect, expect, peakReplicas, scalingOf, type Stage, until, worker } from "./stage.ts";
import type { StoryReport } from "./story.ts";

const jobs = { count: 50, durationMs: 1_000 };
const deadlineMs = 60_000;

/** 50 jobs of one second: the worker comes from zero, gets company, works all of them off and reports back through the gateway. */
export async function playJobs(stage: Stage): Promise<NonNullable<StoryReport["jobs"]>> {
  const { playground, journal, signal } = stage;
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
  await until(() => handledIds().size >= jobs.count, deadlineMs, `${jobs.count} jobs handled`, signal);
  const peak = peakReplicas(scaling.entries, 0);
  expect(peak > 1, `2 workers or more expected for ${jobs.count} jobs, got ${peak}`);
  return { published: jobs.count, handled: handledIds().size, peakReplicas: peak };
}

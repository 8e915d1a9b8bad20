import { backend, collect, expect, type Stage, until } from "./stage.ts";
import type { StoryReport } from "./story.ts";

const requests = 20;
/** Above the plugin's own hold limit there is only a 503; well below it something is wrong with this machine. */
const answerDeadlineMs = 45_000;

/** 20 requests at once to a backend at zero: every one answered by the backend, with one activation. */
export async function playColdStart(stage: Stage): Promise<NonNullable<StoryReport["coldStart"]>> {
  const { playground, journal, coldStarts, signal } = stage;
  expect(playground.replicaSets.get(backend)?.running === 0, "the backend runs before anybody called it");
  using plugin = collect(journal, ({ role, fields }) => role === "plugin" && fields["backend"] === backend);
  using started = collect(
    journal,
    ({ event, fields }) => event === "process.started" && fields["target"] === backend,
  );
  const answers = await Promise.all(
    Array.from({ length: requests }, async () => {
      const response = await fetch(playground.url, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerDeadlineMs)]),
      });
      const body: unknown = await response.json();
      return { status: response.status, body, atMs: Date.now() };
    }),
  );
  const statuses = countBy(answers.map(({ status }) => String(status)));
  expect(
    statuses["200"] === requests,
    `${requests} answers with status 200 expected, got ${JSON.stringify(statuses)}`,
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
    requests,
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

import type { ColdStart, ColdStarts } from "./cold-starts.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import type { Cluster } from "./manifests/cluster.ts";
import { type NotPlayed, formatNotPlayed } from "./manifests/not-played.ts";
import type { Playground } from "./playground.ts";
import { hasSentence, sentenceOf } from "./sentence.ts";
import type { PlaygroundSettings } from "./settings.ts";

export interface Start {
  readonly playground: Playground;
  readonly page: { readonly url: string } | undefined;
  readonly settings: PlaygroundSettings;
  readonly cluster: Pick<Cluster, "routes" | "scaleTargets">;
  readonly notPlayed: readonly NotPlayed[];
  readonly startedInMs: number;
  /** Whether the fixed story follows; then there is nothing to try by hand. */
  readonly isStory: boolean;
}

/** The text in the terminal once the playground is up. */
export function formatStart({
  playground,
  cluster,
  page,
  settings,
  notPlayed,
  startedInMs,
  isStory,
}: Start): string {
  const { sidecar, url, replicaSets } = playground;
  const shortened = Object.entries(settings).filter(([, { inCluster, used }]) => inCluster !== used);
  return [
    "",
    `The playground is up after ${startedInMs} ms. At zero: ${[...replicaSets.keys()].join(", ")}.`,
    `Sidecar: ${sidecar.description}.`,
    ...(shortened.length === 0 ? [] : ["Times shorter than in a cluster (--real-times uses the real ones):"]),
    ...shortened.map(([name, { inCluster, used }]) => `  ${name}: ${used} instead of ${inCluster}`),
    ...(notPlayed.length === 0 ? [] : ["Read in the manifests, and not played here:"]),
    ...notPlayed.map((note) => `  ${formatNotPlayed(note)}`),
    ...(page ? ["", `See it live, with buttons to try: ${page.url}`] : []),
    "",
    ...(isStory ? ["Playing the story: about half a minute.", ""] : whatToTry(url, cluster)),
  ].join("\n");
}

/** The routes of other services; the base has more to show. */
function whatToTry(url: string, { routes, scaleTargets }: Start["cluster"]): string[] {
  const isBase = scaleTargets.some(({ name }) => name === "demo-backend");
  const isChain = scaleTargets.some(({ name }) => name === "demo-store");
  if (isBase) return whatToTryWithTheBase(url, isChain);
  return [
    "Try, in another terminal:",
    ...routes.map(({ host, path, pathType, service }) => {
      const header = host === undefined ? "" : ` -H 'host: ${host.replace(/^\*\./, "any.")}'`;
      const shown = pathType === "RegularExpression" ? "/" : path;
      return `  curl${header} ${url}${shown}    to ${service.metadata.name}`;
    }),
    "Ctrl-C ends it and leaves nothing behind.",
    "",
  ];
}

function whatToTryWithTheBase(url: string, isChain: boolean): string[] {
  return [
    "Try, in another terminal:",
    `  curl ${url}/                  a request that wakes the backend`,
    ...(isChain ? [`  curl ${url}/chain             a request that also wakes the service behind it`] : []),
    `  curl '${url}/slow?ms=3000'    a slow request`,
    `  curl -X POST ${url}/jobs -H 'content-type: application/json' -d '{"count":20,"durationMs":1000}'`,
    "                                          jobs for the consumer, which also starts from zero",
    `  curl ${url}/jobs              how many are done, as far as the replica knows`,
    "Ctrl-C ends it and leaves nothing behind.",
    "",
  ];
}

/** A cold start as text, one step per line, with the milliseconds since the request arrived. */
function formatColdStart({ target, timeline, wokenBy }: ColdStart): string {
  const total = timeline.at(-1)?.atMs ?? 0;
  const steps = timeline.map(({ event, atMs }) => `  ${`${atMs} ms`.padStart(9)}  ${event}`);
  const isCold = timeline.some(({ event }) => event === "process started");
  const title = isCold
    ? `cold start of ${target}${wokenBy === undefined ? "" : `, woken along with ${wokenBy}`}`
    : `${target} was up, and confirmed it`;
  return [`${title}: ${total} ms`, ...steps].join("\n");
}

/** Prints what happens while the playground runs: cold starts, scaling, and whatever goes wrong. */
export function printJournal(journal: Journal, coldStarts: ColdStarts, say: (text: string) => void): void {
  coldStarts.onColdStart((coldStart) => say(formatColdStart(coldStart)));
  journal.subscribe((entry) => {
    const text = formatEntry(entry);
    if (text !== undefined) say(text);
  });
}

/** One line, for trouble with every field that may explain it; undefined for what is not worth a line. */
export function formatEntry(entry: JournalEntry): string | undefined {
  const { role, event, fields } = entry;
  if (event === "replicas.changed") {
    return `${String(fields["target"])}: ${String(fields["from"])} -> ${String(fields["to"])} (${String(fields["by"])})`;
  }
  const isTrouble = /failed$|exited$/.test(event) || fields["level"] === "error";
  if (!isTrouble) return undefined;
  const sentence = sentenceOf(entry)?.text ?? `${role}: ${event.replaceAll(/[._]/g, " ")}.`;
  const names = hasSentence(event) ? ["error", "reason"] : Object.keys(fields);
  const details = names.flatMap((name) => {
    const value = fields[name];
    if (name === "level" || value === undefined || value === null) return [];
    const shown = formatValue(value);
    return sentence.includes(shown) ? [] : [`${name}: ${shown}`];
  });
  return details.length === 0 ? sentence : `${sentence} (${details.join(", ")})`;
}

/** A logged error is shown as its message. */
function formatValue(value: unknown): string {
  if (typeof value === "string") return value;
  const isError = typeof value === "object" && value !== null && "message" in value;
  return isError ? String(value.message) : JSON.stringify(value);
}

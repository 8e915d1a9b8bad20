import { duration } from "../../page/format.js";
import type { JournalEntry } from "../journal.ts";
import type { ActionName, News } from "./messages.ts";

type Fields = JournalEntry["fields"];
type Tone = News["tone"];
type Sentence = { readonly text: string; readonly tone: Tone };

const maxNews = 60;
/** The same again within this time is counted, not told again. */
const mergeMs = 10_000;
/** How long a killed replica is taken for the cause of its target's trouble. */
const killAftermathMs = 15_000;

const autoscalers: Readonly<Record<string, string>> = { keda: "KEDA", hpa: "HPA" };

/** What is told of a journal entry, by its event. What is missing here happens too often, or means nothing by itself. */
const sentences: Readonly<Record<string, (fields: Fields) => Sentence | undefined>> = {
  "wake.published": ({ backend, reason }) =>
    reason === "activation" ? plain(`A wake message for ${text(backend)} is on its way.`) : undefined,
  "wake.failed": ({ backend, code }) =>
    bad(`The wake message for ${text(backend)} could not be sent: ${text(code)}.`),
  // A backend that answers the first probe was up all along.
  "activation.ready": ({ backend, waitedMs, probes, held }) =>
    Number(probes) > 1
      ? good(`${text(backend)} is ready after ${duration(Number(waitedMs))}. ${released(Number(held))}`)
      : undefined,
  "activation.failed": ({ backend, code }) => bad(`${text(backend)} did not become ready: ${text(code)}.`),
  "lease.lost": ({ backend }) => bad(`${text(backend)} stopped answering, so requests are held again.`),
  "replicas.changed": ({ target, from, to, by }) =>
    plain(`${autoscalers[text(by)] ?? text(by)} scales ${text(target)} from ${text(from)} to ${text(to)}.`),
  "pod.ready": ({ pod }) => good(`${text(pod)} is ready.`),
  "pod.killed": ({ pod }) => plain(`${text(pod)} was killed on request.`),
  "pod.terminating": ({ pod }) => plain(`${text(pod)} is terminating.`),
  "container.exited": ({ pod, signal, code, restartDelayMs }) =>
    bad(
      `${text(pod ?? "The plugin server")} ended (${text(signal ?? `exit code ${text(code)}`)}) and restarts ${restartDelayMs === 0 ? "at once" : `in ${duration(Number(restartDelayMs))}`}.`,
    ),
  "upstream.failed": ({ service, reason }) => bad(`A request to ${text(service)} failed: ${text(reason)}.`),
  "message.dead_lettered": ({ target }) =>
    bad(`${text(target)} gave up on a message, which is now a dead letter.`),
  "sidecar.stopped": () => bad("The sidecar is off: nothing can be published."),
  "sidecar.started": () => good("The sidecar is on again."),
};

/** What happened, in sentences; the same trouble again is counted, and trouble that was asked for is no alarm. */
export class NewsFeed {
  readonly #news: News[] = [];
  readonly #killedAtMs = new Map<string, number>();
  #isSidecarStopped = false;
  #lastId = 0;

  /** The last of them, oldest first. */
  get all(): readonly News[] {
    return this.#news;
  }

  /** Takes an entry about `target` in, and gives what to tell about it, which may be an earlier sentence with a higher count. */
  note(entry: JournalEntry, target: string | undefined): News | undefined {
    this.#noteCause(entry, target);
    const sentence = sentenceOf(entry);
    if (!sentence) return undefined;
    const isConsequence = sentence.tone === "bad" && this.#wasAskedFor(entry, target);
    return this.#add({ ...sentence, atMs: entry.atMs, ...(isConsequence && { tone: "consequence" }) });
  }

  /** What became of a button that was pressed. */
  noteOutcome(outcomeOf: ActionName, sentence: string, tone: Tone): News {
    return this.#add({ text: sentence, tone, outcomeOf, atMs: Date.now() });
  }

  #noteCause({ event, atMs }: JournalEntry, target: string | undefined): void {
    if (event === "pod.killed" && target !== undefined) this.#killedAtMs.set(target, atMs);
    if (event === "sidecar.stopped") this.#isSidecarStopped = true;
    if (event === "sidecar.started") this.#isSidecarStopped = false;
  }

  #wasAskedFor({ event, atMs }: JournalEntry, target: string | undefined): boolean {
    // That it is off stays an alarm until it is on again.
    if (event === "sidecar.stopped") return false;
    const killedAtMs = this.#killedAtMs.get(target ?? "");
    const isOfKill = killedAtMs !== undefined && atMs - killedAtMs < killAftermathMs;
    return isOfKill || (this.#isSidecarStopped && target !== undefined);
  }

  #add(told: Omit<News, "id" | "count">): News {
    const isTrouble = told.tone === "bad" || told.tone === "consequence";
    const index = this.#news.findIndex(
      (before) =>
        isTrouble &&
        before.outcomeOf === told.outcomeOf &&
        before.text === told.text &&
        before.tone === told.tone &&
        told.atMs - before.atMs < mergeMs,
    );
    const before = this.#news[index];
    if (before) {
      const again = { ...before, count: before.count + 1 };
      this.#news[index] = again;
      return again;
    }
    this.#lastId += 1;
    const news = { ...told, id: this.#lastId, count: 1 };
    this.#news.push(news);
    if (this.#news.length > maxNews) this.#news.shift();
    return news;
  }
}

function sentenceOf({ event, role, fields }: JournalEntry): Sentence | undefined {
  if (Object.hasOwn(sentences, event)) return sentences[event]?.(fields);
  return event.endsWith("failed") ? bad(`${role}: ${event.replaceAll(/[._]/g, " ")}.`) : undefined;
}

function released(held: number): string {
  if (held === 0) return "Nothing waited for it any more.";
  return held === 1
    ? "The request that waited goes on to it."
    : `The ${held} requests that waited go on to it.`;
}

const plain = (sentence: string): Sentence => ({ text: sentence, tone: "plain" });
const good = (sentence: string): Sentence => ({ text: sentence, tone: "good" });
const bad = (sentence: string): Sentence => ({ text: sentence, tone: "bad" });

function text(value: unknown): string {
  return String(value);
}

import type { JournalEntry } from "../journal.ts";
import { sentenceOf } from "../sentence.ts";
import type { ActionName, News } from "./messages.ts";

type Tone = News["tone"];

const maxNews = 60;
/** Repetitions within this time are counted instead of listed. */
const mergeMs = 10_000;
/** How long after a kill its target's trouble counts as a consequence. */
const killAftermathMs = 15_000;

/** What happened, in sentences. Repeated trouble is counted, and trouble that a user caused raises no alarm. */
export class NewsFeed {
  readonly #news: News[] = [];
  readonly #killedAtMs = new Map<string, number>();
  #isSidecarStopped = false;
  #lastId = 0;

  /** The latest news, oldest first. */
  get all(): readonly News[] {
    return this.#news;
  }

  /** Adds an entry about `target`, and returns the news to send: possibly an earlier item with a higher count. */
  note(entry: JournalEntry, target: string | undefined): News | undefined {
    this.#noteCause(entry, target);
    const sentence = sentenceOf(entry);
    if (!sentence) return undefined;
    const isConsequence = sentence.tone === "bad" && this.#wasAskedFor(entry, target);
    return this.#add({ ...sentence, atMs: entry.atMs, ...(isConsequence && { tone: "consequence" }) });
  }

  /** The outcome of an action. */
  noteOutcome(outcomeOf: ActionName, sentence: string, tone: Tone): News {
    return this.#add({ text: sentence, tone, outcomeOf, atMs: Date.now() });
  }

  #noteCause({ event, atMs }: JournalEntry, target: string | undefined): void {
    if (event === "pod.killed" && target !== undefined) this.#killedAtMs.set(target, atMs);
    if (event === "sidecar.stopped") this.#isSidecarStopped = true;
    if (event === "sidecar.started") this.#isSidecarStopped = false;
  }

  #wasAskedFor({ event, atMs }: JournalEntry, target: string | undefined): boolean {
    // While it is off, that stays an alarm.
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

import type { JournalEntry } from "../journal.ts";
import { sentenceOf } from "../sentence.ts";
import type { ActionName, News } from "./messages.ts";

type Tone = News["tone"];

const maxNews = 60;
/** The same again within this time is counted, not told again. */
const mergeMs = 10_000;
/** How long a killed replica is taken for the cause of its target's trouble. */
const killAftermathMs = 15_000;

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

import type { ColdStarts } from "../cold-starts.ts";
import type { TargetNames } from "../target-names.ts";
import type { ActionName, News, Now, Sample, ShownColdStart, Snapshot, ShownTarget } from "./messages.ts";
import { NewsFeed } from "./news-feed.ts";
import type { PlaygroundView, ViewedTarget } from "./playground-view.ts";
import type { Tabs } from "./tabs.ts";
import { TargetFigures } from "./target-figures.ts";

export interface BoardOptions {
  readonly view: PlaygroundView;
  readonly targetNames: TargetNames;
  readonly coldStarts: ColdStarts;
  readonly tabs: Tabs;
}

const sampleIntervalMs = 1_000;
/** Three minutes, one a second. */
const maxSamples = 181;
const maxColdStarts = 8;
/** A few times within a lease (2 s by default), and only while a tab is open. */
const leaseIntervalMs = 500;
/** Changes within this time are sent together. */
const gatherMs = 50;
/** A backend that is ready sooner had no cold start. */
const shortestStartMs = 100;

/** Gathers everything that the page shows, and sends changes to the open tabs. */
export class Board {
  readonly #options: BoardOptions;
  readonly #figures = new TargetFigures();
  readonly #feed = new NewsFeed();
  readonly #samples: Sample[] = [];
  readonly #coldStarts: ShownColdStart[] = [];
  /** Cold starts that are too young to be shown, by their ids. */
  readonly #young = new Map<number, { latest: ShownColdStart; readonly timer: NodeJS.Timeout }>();
  readonly #stopped = new AbortController();
  readonly #timers: readonly NodeJS.Timeout[];
  #gathering: NodeJS.Timeout | undefined;
  #lastTold = "";

  constructor(options: BoardOptions) {
    this.#options = options;
    const { view, targetNames, coldStarts } = options;
    const unsubscribe = view.journal.subscribe((entry) => {
      const target = targetNames.of(entry);
      this.#figures.note(entry, target);
      const news = this.#feed.note(entry, target);
      if (news) this.#options.tabs.send("news", news);
      this.#changed();
      if (entry.event === "activation.ready" || entry.event === "lease.lost") void this.#refreshLeases();
    });
    this.#stopped.signal.addEventListener("abort", unsubscribe, { once: true });
    coldStarts.onProgress((coldStart) => this.#noteColdStart(coldStart));
    this.#timers = [
      setInterval(() => this.#takeSample(), sampleIntervalMs),
      setInterval(() => void this.#refreshLeases(), leaseIntervalMs),
    ];
    this.#takeSample();
  }

  async snapshot(): Promise<Omit<Snapshot, "startCommand" | "unavailable">> {
    await this.#figures.refreshLeases(this.#options.view.opsPort(), this.#stopped.signal);
    return {
      atMs: Date.now(),
      gatewayUrl: this.#options.view.gatewayUrl,
      now: this.#now(),
      samples: this.#samples,
      coldStarts: this.#coldStarts,
      news: this.#feed.all,
    };
  }

  /** Tells every tab the outcome of an action. */
  tellOutcome(action: ActionName, text: string, tone: News["tone"]): void {
    this.#options.tabs.send("news", this.#feed.noteOutcome(action, text, tone));
    this.#changed();
  }

  stop(): void {
    this.#stopped.abort();
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#gathering);
    for (const { timer } of this.#young.values()) clearTimeout(timer);
  }

  #now(): Now {
    const { sidecar, targets } = this.#options.view;
    const { description, isRunning } = sidecar;
    return { sidecar: { description, isRunning }, targets: targets.map((target) => this.#show(target)) };
  }

  #show({ name, backend, replicaSet }: ViewedTarget): ShownTarget {
    return {
      name,
      ...(backend !== undefined && {
        backend: { ...this.#figures.activation(backend), ...this.#figures.demand(name) },
      }),
      replicas: replicaSet.replicas,
      readyPods: replicaSet.readyPods,
      processes: replicaSet.running,
      queueLength: this.#figures.queueLength(name),
    };
  }

  #takeSample(): void {
    const { targets } = this.#now();
    const peaks = targets.map(({ name }) => this.#figures.takePeak(name));
    const sample = {
      atMs: Date.now(),
      replicas: targets.map(({ replicas }) => replicas),
      queueLengths: targets.map(({ queueLength }) => queueLength),
      held: peaks.map(({ held }) => held),
      inFlight: peaks.map(({ inFlight }) => inFlight),
    };
    push(this.#samples, sample, maxSamples);
    this.#options.tabs.send("sample", sample);
    this.#changed();
  }

  #noteColdStart(coldStart: ShownColdStart): void {
    if (this.#stopped.signal.aborted) return;
    const { id, state } = coldStart;
    const young = this.#young.get(id);
    if (this.#coldStarts.some((shown) => shown.id === id)) this.#tellColdStart(coldStart);
    else if (state === "running") {
      if (young) young.latest = coldStart;
      else
        this.#young.set(id, {
          latest: coldStart,
          timer: setTimeout(() => this.#growUp(id), shortestStartMs),
        });
    } else {
      clearTimeout(young?.timer);
      this.#young.delete(id);
      if (!wasUp(coldStart) && state !== "left") this.#tellColdStart(coldStart);
    }
  }

  #growUp(id: number): void {
    const young = this.#young.get(id);
    this.#young.delete(id);
    if (young && !wasUp(young.latest)) this.#tellColdStart(young.latest);
  }

  #tellColdStart(coldStart: ShownColdStart): void {
    const index = this.#coldStarts.findIndex(({ id }) => id === coldStart.id);
    if (index === -1) push(this.#coldStarts, coldStart, maxColdStarts);
    else this.#coldStarts[index] = coldStart;
    this.#options.tabs.send("cold-start", coldStart);
  }

  async #refreshLeases(): Promise<void> {
    const { tabs, view } = this.#options;
    if (tabs.count === 0) return;
    await this.#figures.refreshLeases(view.opsPort(), this.#stopped.signal);
    this.#changed();
  }

  #changed(): void {
    if (this.#options.tabs.count === 0 || this.#stopped.signal.aborted) return;
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      const now = this.#now();
      const text = JSON.stringify(now);
      if (text === this.#lastTold) return;
      this.#lastTold = text;
      this.#options.tabs.send("now", now);
    }, gatherMs);
  }
}

/** Whether the backend was up all along and only had to confirm it. */
function wasUp({ timeline }: ShownColdStart): boolean {
  const ready = timeline.find(({ event }) => event === "first ready answer");
  return ready !== undefined && ready.atMs < shortestStartMs;
}

function push<Item>(list: Item[], item: Item, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}

import type { ColdStart, ColdStarts } from "../cold-starts.ts";
import type { TargetNames } from "../target-names.ts";
import { BackendStates } from "./backend-states.ts";
import type { News, Now, Sample, ShownColdStart, Snapshot, Target } from "./messages.ts";
import { newsOf } from "./news-of.ts";
import type { PlaygroundView, ViewedTarget } from "./playground-view.ts";
import { QueueLengths } from "./queue-lengths.ts";
import type { Tabs } from "./tabs.ts";
import { Traffic } from "./traffic.ts";

export interface BoardOptions {
  readonly view: PlaygroundView;
  readonly targetNames: TargetNames;
  readonly coldStarts: ColdStarts;
  readonly tabs: Tabs;
}

const sampleIntervalMs = 1_000;
/** Three minutes of them. */
const maxSamples = 181;
const maxColdStarts = 8;
const maxNews = 60;
/** A few times within a lease (2 s by default), and only while somebody looks. */
const leaseIntervalMs = 500;
/** Changes within this time are told together. */
const gatherMs = 50;
/** Ready sooner is no start: a backend that was up all along had to say so after a pause. */
const shortestStartMs = 100;

/** All that the page shows, gathered from what happens and told to the open tabs as it changes. */
export class Board {
  readonly #options: BoardOptions;
  readonly #traffic = new Traffic();
  readonly #states = new BackendStates();
  readonly #queues = new QueueLengths();
  readonly #samples: Sample[] = [];
  readonly #coldStarts: ShownColdStart[] = [];
  readonly #news: News[] = [];
  readonly #stopped = new AbortController();
  readonly #timers: readonly NodeJS.Timeout[];
  #gathering: NodeJS.Timeout | undefined;
  #lastTold = "";

  constructor(options: BoardOptions) {
    this.#options = options;
    const { view, targetNames, coldStarts } = options;
    const unsubscribe = view.journal.subscribe((entry) => {
      this.#traffic.note(entry, targetNames.of(entry));
      this.#states.note(entry);
      this.#queues.note(entry);
      const news = newsOf(entry);
      if (news) this.#tellNews(news);
      this.#changed();
      if (entry.event === "activation.ready" || entry.event === "lease.lost") void this.#refreshLeases();
    });
    this.#stopped.signal.addEventListener("abort", unsubscribe, { once: true });
    coldStarts.onColdStart((coldStart) => this.#tellColdStart(coldStart));
    this.#timers = [
      setInterval(() => this.#takeSample(), sampleIntervalMs),
      setInterval(() => void this.#refreshLeases(), leaseIntervalMs),
    ];
    this.#takeSample();
  }

  async snapshot(): Promise<Snapshot> {
    await this.#states.refresh(this.#options.view.opsPort(), this.#stopped.signal);
    return {
      gatewayUrl: this.#options.view.gatewayUrl,
      now: this.#now(),
      samples: this.#samples,
      coldStarts: this.#coldStarts,
      news: this.#news,
    };
  }

  /** Tells every tab what became of a button that was pressed. */
  tellOutcome(text: string, tone: News["tone"]): void {
    this.#tellNews({ atMs: Date.now(), text, tone, isOutcome: true });
    this.#changed();
  }

  stop(): void {
    this.#stopped.abort();
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#gathering);
  }

  #now(): Now {
    const { sidecar, targets } = this.#options.view;
    const { description, isRunning } = sidecar;
    return { sidecar: { description, isRunning }, targets: targets.map((target) => this.#show(target)) };
  }

  #show({ name, backend, replicaSet }: ViewedTarget): Target {
    return {
      name,
      ...(backend !== undefined && { backend: { ...this.#states.of(backend), ...this.#traffic.of(name) } }),
      replicas: replicaSet.replicas,
      readyPods: replicaSet.readyPods,
      processes: replicaSet.running,
      queueLength: this.#queues.of(name),
    };
  }

  #takeSample(): void {
    const { targets } = this.#now();
    const peaks = targets.map(({ name }) => this.#traffic.takePeak(name));
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

  #tellColdStart({ target, wokenBy, timeline }: ColdStart): void {
    const ready = timeline.find(({ event }) => event === "first ready answer");
    if (ready && ready.atMs < shortestStartMs) return;
    const shown = { target, timeline, endedAtMs: Date.now(), ...(wokenBy !== undefined && { wokenBy }) };
    push(this.#coldStarts, shown, maxColdStarts);
    this.#options.tabs.send("cold-start", shown);
  }

  #tellNews(news: News): void {
    push(this.#news, news, maxNews);
    this.#options.tabs.send("news", news);
  }

  async #refreshLeases(): Promise<void> {
    const { tabs, view } = this.#options;
    if (tabs.count === 0) return;
    await this.#states.refresh(view.opsPort(), this.#stopped.signal);
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

function push<Item>(list: Item[], item: Item, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}

import { Script } from "./script.ts";

export interface RecordedMessage {
  readonly pubsub: string;
  readonly topic: string;
  readonly data: object;
}

/** What a publish comes to: done, an error that it throws, or nothing until its signal aborts. */
export type RecordedOutcome = "published" | "silence" | Error;

/** A publisher that sends nothing: it records each message and ends by a script, whose last outcome repeats. */
export class RecordingPublisher {
  readonly messages: RecordedMessage[] = [];
  readonly #outcomes: Script<RecordedOutcome>;
  isStopped = false;

  constructor(...outcomes: RecordedOutcome[]) {
    const [first = "published", ...rest] = outcomes;
    this.#outcomes = new Script<RecordedOutcome>([first, ...rest]);
  }

  /** Goes on by another script from now on. */
  become(...outcomes: [RecordedOutcome, ...RecordedOutcome[]]): void {
    this.#outcomes.replace(outcomes);
  }

  async publish(message: RecordedMessage, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.messages.push(message);
    const outcome = this.#outcomes.next();
    if (outcome instanceof Error) throw outcome;
    if (outcome === "published") return;
    await new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  async stop(): Promise<void> {
    this.isStopped = true;
  }
}

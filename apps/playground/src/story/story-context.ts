import { sleep } from "@kong-serverless/runtime";

import type { ColdStart } from "../cold-starts.ts";
import type { Journal, JournalEntry } from "../journal.ts";
import type { Playground } from "../playground.ts";
import type { PlaygroundSettings } from "../settings.ts";

/** What each act of the story works with. */
export interface StoryContext {
  readonly playground: Playground;
  readonly journal: Journal;
  readonly settings: PlaygroundSettings;
  /** Cold starts as they complete. */
  readonly coldStarts: readonly ColdStart[];
  /** Aborts when the playground is asked to stop. */
  readonly signal: AbortSignal;
  /** Announces the next act. */
  readonly say: (text: string) => void;
}

/** The scale targets of the story. */
export const backend = "demo-backend";
export const worker = "consumer";

/** Fails the story with what was expected and what happened instead. */
export function expect(isAsExpected: boolean, otherwise: string): asserts isAsExpected {
  if (!isAsExpected) throw new Error(otherwise);
}

const checkIntervalMs = 50;

/** Resolves once `isTrue`; rejects after `deadlineMs`, naming `what` it waited for. */
export async function until(
  isTrue: () => boolean,
  deadlineMs: number,
  what: string,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!isTrue()) {
    expect(performance.now() < deadline, `${what}: not within ${deadlineMs / 1000} s`);
    await sleep(checkIntervalMs, signal);
  }
}

/** Collects matching journal entries until the result is disposed of. */
export function collect(
  journal: Journal,
  matches: (entry: JournalEntry) => boolean,
): Disposable & { readonly entries: readonly JournalEntry[] } {
  const entries: JournalEntry[] = [];
  const unsubscribe = journal.subscribe((entry) => {
    if (matches(entry)) entries.push(entry);
  });
  return { entries, [Symbol.dispose]: unsubscribe };
}

/** The highest replica count that the autoscaler set, from its entries. */
export function peakReplicas(entries: readonly JournalEntry[], now: number): number {
  return Math.max(now, ...entries.map(({ fields }) => Number(fields["to"])));
}

export function scalingOf(target: string): (entry: JournalEntry) => boolean {
  return ({ event, fields }) => event === "replicas.changed" && fields["target"] === target;
}

import { duration } from "../page/format.js";
import type { JournalEntry } from "./journal.ts";

type Fields = JournalEntry["fields"];

export interface Sentence {
  readonly text: string;
  readonly tone: "plain" | "good" | "bad";
}

const autoscalers: Readonly<Record<string, string>> = { keda: "KEDA", hpa: "HPA" };

/** By event. */
const sentences: Readonly<Record<string, (fields: Fields) => Sentence | undefined>> = {
  "wake.published": ({ backend, reason }) =>
    reason === "activation" ? plain(`A wake message for ${text(backend)} is on its way.`) : undefined,
  "wake.failed": ({ backend, code }) =>
    bad(`The wake message for ${text(backend)} could not be sent: ${text(code)}.`),
  // A backend that passes the first probe was up all along.
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

/** Whether an event has its own sentence, which includes the fields that matter. */
export function hasSentence(event: string): boolean {
  return Object.hasOwn(sentences, event);
}

/** One sentence for people; undefined for events that are too frequent or mean nothing by themselves. */
export function sentenceOf({ event, role, fields }: JournalEntry): Sentence | undefined {
  if (hasSentence(event)) return sentences[event]?.(fields);
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

import type { JournalEntry } from "../journal.ts";
import type { News } from "./messages.ts";

type Fields = JournalEntry["fields"];
type Sentence = { readonly text: string; readonly tone: News["tone"] };

const autoscalers: Readonly<Record<string, string>> = { keda: "KEDA", hpa: "HPA" };

/** What is told of a journal entry, by its event. What is not here happens too often, or means nothing by itself. */
const sentences: Readonly<Record<string, (fields: Fields) => Sentence | undefined>> = {
  "wake.published": ({ backend, reason }) =>
    reason === "activation" ? plain(`A wake message for ${text(backend)} is out.`) : undefined,
  "wake.failed": ({ backend, code }) => bad(`No wake message for ${text(backend)}: ${text(code)}.`),
  // An answer at the first probe was no start.
  "activation.ready": ({ backend, waitedMs, probes, held }) =>
    Number(probes) > 1
      ? good(`${text(backend)} answers after ${seconds(waitedMs)}. Held until then: ${text(held)}.`)
      : undefined,
  "activation.failed": ({ backend, code }) => bad(`${text(backend)} did not become ready: ${text(code)}.`),
  "lease.lost": ({ backend }) => bad(`${text(backend)} no longer answers: requests are held again.`),
  "replicas.changed": ({ target, from, to, by }) =>
    plain(`${autoscalers[text(by)] ?? text(by)} scales ${text(target)} from ${text(from)} to ${text(to)}.`),
  "pod.ready": ({ pod }) => good(`${text(pod)} is ready.`),
  "pod.terminating": ({ pod }) => plain(`${text(pod)} terminates.`),
  "container.exited": ({ pod, signal, code, restartDelayMs }) =>
    bad(
      `${text(pod)} ended (${text(signal ?? `exit code ${text(code)}`)}) and is started anew ${restartDelayMs === 0 ? "at once" : `in ${seconds(restartDelayMs)}`}.`,
    ),
  "upstream.failed": ({ service, reason }) =>
    bad(`${text(service)} failed under a request: ${text(reason)}.`),
  "message.dead_lettered": ({ target }) => bad(`${text(target)} gave a message up: it is a dead letter.`),
  "sidecar.stopped": () => bad("The sidecar is off: nothing can be published."),
  "sidecar.started": () => good("The sidecar is on again."),
};

/** A sentence about a journal entry, or undefined where none is worth it. */
export function newsOf({ atMs, event, role, fields }: JournalEntry): News | undefined {
  const sentence = Object.hasOwn(sentences, event)
    ? sentences[event]?.(fields)
    : event.endsWith("failed")
      ? bad(`${role}: ${event.replaceAll(/[._]/g, " ")}.`)
      : undefined;
  return sentence && { atMs, ...sentence, isOutcome: false };
}

const plain = (sentence: string): Sentence => ({ text: sentence, tone: "plain" });
const good = (sentence: string): Sentence => ({ text: sentence, tone: "good" });
const bad = (sentence: string): Sentence => ({ text: sentence, tone: "bad" });

function text(value: unknown): string {
  return String(value);
}

function seconds(ms: unknown): string {
  return `${(Number(ms) / 1000).toFixed(1)} s`;
}

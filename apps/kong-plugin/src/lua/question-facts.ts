import { clientKey } from "../client-key.ts";
import type { RouterMatch } from "../probe-target.ts";
import type { RequestFacts } from "../request-facts.ts";
import type { Question } from "./messages.ts";

/** The facts of a request, all of which came with the question. */
export class QuestionFacts implements RequestFacts {
  readonly arrivedAtMs: number;
  readonly signal: AbortSignal;
  readonly isStopping: boolean;
  readonly #question: Question;

  constructor(question: Question, signal: AbortSignal, isStopping: boolean) {
    this.#question = question;
    this.signal = signal;
    this.isStopping = isStopping;
    this.arrivedAtMs = performance.now() - question.waitedMs;
  }

  async path(): Promise<string> {
    return this.#question.path;
  }

  async method(): Promise<string> {
    return this.#question.method;
  }

  async header(name: "accept" | "user-agent" | "traceparent"): Promise<string | undefined> {
    return this.#question.headers[name];
  }

  async client(): Promise<string> {
    const { consumer, ip } = this.#question.client;
    return clientKey(consumer, ip);
  }

  async routerMatch(): Promise<RouterMatch> {
    const { service, route } = this.#question;
    return { service, route };
  }
}

import { errorMessage } from "../error-message.ts";
import { echoThroughSocket } from "./echo-through-socket.ts";
import type { ActionAnswer, ActionName, News } from "./messages.ts";
import type { PlaygroundView } from "./playground-view.ts";

export interface ActionsOptions {
  readonly view: PlaygroundView;
  /** Called with what became of an action, after its button was answered. */
  readonly tellOutcome: (text: string, tone: News["tone"]) => void;
  /** How long the WebSocket stays open. */
  readonly socketMs: number;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

interface Answered extends ActionAnswer {
  readonly status: 202 | 404 | 409 | 429 | 502;
}

const burstSize = 50;
const slowMs = 1_000;
const jobs = { count: 20, durationMs: 1_000 };
/** Above the plugin's own hold limit, so that its answer is seen. */
const answerDeadlineMs = 75_000;
/** Buttons that may wait for their outcome at the same time, whoever pressed them. */
const maxUnderWay = 16;

/** What the page's buttons do. */
export class Actions {
  readonly #options: ActionsOptions;
  #underWay = 0;

  constructor(options: ActionsOptions) {
    this.#options = options;
  }

  /** Begins an action; most of them are told of again when they are done. `target` is the one to kill a replica of. */
  async run(name: ActionName, target: string | undefined): Promise<Answered> {
    switch (name) {
      case "request":
        return this.#begin("One request is on its way.", () => this.#request());
      case "burst":
        return this.#begin(`${burstSize} requests are on their way.`, () => this.#burst());
      case "jobs":
        return this.#begin(`${jobs.count} jobs are on their way.`, () => this.#sendJobs());
      case "websocket":
        return this.#begin("A WebSocket is being opened.", () => this.#openSocket());
      case "kill":
        return this.#kill(target);
      case "sidecar":
        return this.#turnSidecar();
    }
  }

  #begin(message: string, work: () => Promise<string>): Answered {
    if (this.#underWay >= maxUnderWay) {
      return { status: 429, message: "Too much is under way. Wait until some of it is done." };
    }
    this.#underWay += 1;
    const { tellOutcome, signal } = this.#options;
    void work()
      .then(
        (outcome) => tellOutcome(outcome, "good"),
        (error: unknown) => {
          if (!signal.aborted) tellOutcome(errorMessage(error), "bad");
        },
      )
      .finally(() => (this.#underWay -= 1));
    return { status: 202, message };
  }

  async #request(): Promise<string> {
    const startedAt = performance.now();
    const { status } = await this.#fetch("/");
    return expectAll([status], `The request was answered ${status} after ${since(startedAt)}.`);
  }

  async #burst(): Promise<string> {
    const startedAt = performance.now();
    const answers = await Promise.all(
      Array.from({ length: burstSize }, async () => (await this.#fetch(`/slow?ms=${slowMs}`)).status),
    );
    const ok = answers.filter((status) => status === 200).length;
    return expectAll(
      answers,
      `${ok} of ${burstSize} requests were answered 200, the last after ${since(startedAt)}.`,
    );
  }

  async #sendJobs(): Promise<string> {
    const { status } = await this.#fetch("/jobs", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(jobs),
    });
    return expectAll([status], `POST /jobs was answered ${status}: ${jobs.count} jobs of one second each.`);
  }

  async #openSocket(): Promise<string> {
    const { view, socketMs, signal } = this.#options;
    const url = `${view.gatewayUrl.replace(/^http/, "ws")}/ws`;
    const { echoes } = await echoThroughSocket(url, socketMs, signal);
    return `The WebSocket was open for ${Math.round(socketMs / 1000)} s; ${echoes} messages came back.`;
  }

  #kill(name: string | undefined): Answered {
    const target = this.#options.view.targets.find((candidate) => candidate.name === name);
    if (!target) return { status: 404, message: `There is nothing called ${name ?? "that"}.` };
    const pod = target.replicaSet.killOne();
    return pod === undefined
      ? { status: 409, message: `${target.name} has no replica to kill.` }
      : { status: 202, message: `${pod} was sent SIGKILL.` };
  }

  async #turnSidecar(): Promise<Answered> {
    const { sidecar, journal } = this.#options.view;
    const isOn = sidecar.isRunning;
    try {
      await (isOn ? sidecar.turnOff() : sidecar.turnOn());
    } catch (error) {
      return { status: 502, message: `The sidecar could not be started: ${errorMessage(error)}` };
    }
    journal.record("sidecar", isOn ? "sidecar.stopped" : "sidecar.started");
    return { status: 202, message: isOn ? "The sidecar was stopped." : "The sidecar was started." };
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const { view, signal } = this.#options;
    const response = await fetch(`${view.gatewayUrl}${path}`, {
      ...init,
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerDeadlineMs)]),
    });
    await response.arrayBuffer();
    return response;
  }
}

/** The outcome, as a failure unless every answer was a success. */
function expectAll(statuses: readonly number[], outcome: string): string {
  if (statuses.every((status) => status >= 200 && status < 300)) return outcome;
  throw new Error(outcome);
}

function since(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(2)} s`;
}

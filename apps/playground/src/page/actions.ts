import { duration } from "../../page/format.js";
import { errorMessage } from "../error-message.ts";
import type { ActionAnswer, ActionName, News } from "./messages.ts";
import type { PlaygroundView } from "./playground-view.ts";

export interface ActionsOptions {
  readonly view: PlaygroundView;
  /** Called with the outcome of an action, after its button was answered. */
  readonly tellOutcome: (action: ActionName, text: string, tone: News["tone"]) => void;
  /** How long the WebSocket stays open. */
  readonly socketMs: number;
  /** Aborts actions that are under way. */
  readonly signal: AbortSignal;
}

interface Answered extends ActionAnswer {
  readonly status: 202 | 404 | 409 | 429 | 502;
}

const burstSize = 50;
const slowMs = 1_000;
const socketMessageIntervalMs = 1_000;
const jobs = { count: 20, durationMs: 1_000 };
/** Above the plugin's own hold limit, so that its answer arrives first. */
const answerDeadlineMs = 75_000;
/** Actions that may be under way at the same time, over all tabs. */
const maxUnderWay = 16;

/** Only the demo backend has the endpoints for some actions. */
const backend = "demo-backend";
const worker = "consumer";
const backendActions: readonly ActionName[] = ["burst", "jobs", "websocket"];

/** What the page's buttons do. */
export class Actions {
  readonly #options: ActionsOptions;
  #underWay = 0;

  constructor(options: ActionsOptions) {
    this.#options = options;
  }

  /** Actions that cannot work with the manifests that are played, and why. */
  get unavailable(): Readonly<Partial<Record<ActionName, string>>> {
    const names = new Set(this.#options.view.targets.map(({ name }) => name));
    if (!names.has(backend)) {
      return Object.fromEntries(
        backendActions.map((name) => [name, `Only ${backend} can do this, and it is not played.`]),
      );
    }
    return names.has(worker) ? {} : { jobs: `There is no ${worker} to work on jobs.` };
  }

  /**
   * Begins an action. Most of them report their outcome once they are done. `target` names the one whose replica is
   * killed.
   */
  async run(name: ActionName, target: string | undefined): Promise<Answered> {
    const reason = this.unavailable[name];
    if (reason !== undefined) return { status: 409, message: reason };
    switch (name) {
      case "request":
        return this.#begin(name, "One request is on its way.", () => this.#request());
      case "burst":
        return this.#begin(name, `${burstSize} requests are on their way.`, () => this.#burst());
      case "jobs":
        return this.#begin(name, `${jobs.count} jobs are on their way.`, () => this.#sendJobs());
      case "websocket":
        return this.#begin(name, "A WebSocket is being opened.", () => this.#openSocket());
      case "kill":
        return this.#kill(target);
      case "sidecar":
        return this.#turnSidecar();
    }
  }

  #begin(name: ActionName, message: string, work: () => Promise<string>): Answered {
    if (this.#underWay >= maxUnderWay) {
      return { status: 429, message: "Too much is going on already. Wait for some of it to finish." };
    }
    this.#underWay += 1;
    const { tellOutcome, signal } = this.#options;
    void work()
      .then(
        (outcome) => tellOutcome(name, outcome, "good"),
        (error: unknown) => {
          if (!signal.aborted) tellOutcome(name, errorMessage(error), "bad");
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
    return expectAll(
      [status],
      `POST /jobs was answered ${status}: ${jobs.count} jobs of one second each are on the queue.`,
    );
  }

  async #openSocket(): Promise<string> {
    const { view, socketMs, signal } = this.#options;
    const url = `${view.gatewayUrl.replace(/^http/, "ws")}/ws`;
    const { echoes } = await echoThroughSocket(url, socketMs, signal);
    return `The WebSocket was open for ${duration(socketMs)}; ${echoes} messages came back.`;
  }

  #kill(name: string | undefined): Answered {
    const target = this.#options.view.targets.find((candidate) => candidate.name === name);
    if (!target) return { status: 404, message: `There is nothing called ${name ?? "that"}.` };
    const pod = target.replicaSet.killOne();
    if (pod === undefined) return { status: 409, message: `${target.name} has no replica to kill.` };
    this.#options.view.journal.record("kubelet", "pod.killed", { target: target.name, pod });
    return { status: 202, message: `${pod} was sent SIGKILL.` };
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

/** Returns the outcome; throws it unless every answer was a success. */
function expectAll(statuses: readonly number[], outcome: string): string {
  if (statuses.every((status) => status >= 200 && status < 300)) return outcome;
  throw new Error(outcome);
}

function since(startedAt: number): string {
  return duration(performance.now() - startedAt);
}

/**
 * Keeps a WebSocket open for `durationMs` and sends something every second, which the backend echoes. Rejects if it is
 * not opened or the other side closes it; the signal ends it early.
 */
function echoThroughSocket(
  url: string,
  durationMs: number,
  signal: AbortSignal,
): Promise<{ readonly echoes: number }> {
  const socket = new WebSocket(url);
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly echoes: number }>();
  let echoes = 0;
  let isOpen = false;
  let ending = setTimeout(() => end("The WebSocket was not opened in time."), answerDeadlineMs);
  let sending: NodeJS.Timeout | undefined;
  const end = (failure?: string) => {
    clearTimeout(ending);
    clearInterval(sending);
    signal.removeEventListener("abort", onAbort);
    if (failure === undefined) resolve({ echoes });
    else reject(new Error(failure));
    socket.close();
  };
  const onAbort = () => end("The WebSocket was closed, as the playground stops.");
  signal.addEventListener("abort", onAbort, { once: true });
  const send = () => socket.send(new Date().toISOString());
  socket.addEventListener("open", () => {
    isOpen = true;
    clearTimeout(ending);
    ending = setTimeout(end, durationMs);
    sending = setInterval(send, socketMessageIntervalMs);
    send();
  });
  socket.addEventListener("message", () => (echoes += 1));
  // An error is always followed by "close".
  socket.addEventListener("close", () =>
    end(
      isOpen
        ? `The WebSocket was closed by the backend after ${echoes} messages came back.`
        : "The WebSocket was not opened.",
    ),
  );
  return promise;
}

import type { IncomingMessage, ServerResponse } from "node:http";

import { Script } from "./script.ts";
import { type ScriptedAnswer, ScriptedServer } from "./scripted-server.ts";

/**
 * A backend whose readiness answers come from a script; the last one repeats. Everything but `/healthz` is answered 200
 * with what was asked, as JSON.
 *
 * @example
 * await using backend = await new ScriptedBackend(503, 503, 200).start();
 */
export class ScriptedBackend extends ScriptedServer {
  readonly #readiness: Script<ScriptedAnswer>;
  /** How often readiness was asked for. */
  probes = 0;
  /** By which host name it was asked for last. */
  probedHost: string | undefined;
  /** Method and address of the other requests, in order. */
  readonly requests: string[] = [];

  constructor(...readiness: [ScriptedAnswer, ...ScriptedAnswer[]]) {
    super();
    this.#readiness = new Script(readiness);
  }

  get readinessUrl(): string {
    return `${this.url}/healthz`;
  }

  /** Answers readiness by another script from now on. */
  become(...readiness: [ScriptedAnswer, ...ScriptedAnswer[]]): void {
    this.#readiness.replace(readiness);
  }

  protected override async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url, headers } = request;
    if (url === "/healthz") {
      this.probes += 1;
      this.probedHost = headers.host;
      this.answer(response, this.#readiness.next());
      return;
    }
    this.requests.push(`${method} ${url}`);
    this.answer(response, { status: 200, body: JSON.stringify({ method, url, headers }) });
  }
}

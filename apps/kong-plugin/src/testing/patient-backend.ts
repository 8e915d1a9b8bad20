import type { IncomingMessage, ServerResponse } from "node:http";

import { ScriptedBackend } from "@kong-serverless/testing";

/** A ready backend that answers `/slow` only when told to, and breaks off `/reset`. */
export class PatientBackend extends ScriptedBackend {
  readonly #open: ServerResponse[] = [];
  #arrivals: (() => void)[] = [];

  /** Requests in progress. */
  get open(): number {
    return this.#open.filter((response) => !response.destroyed).length;
  }

  /** Resolves once `count` requests are in progress. */
  async waitForOpen(count: number): Promise<void> {
    while (this.open < count) await new Promise<void>((resolve) => this.#arrivals.push(resolve));
  }

  /** Answers all requests in progress. */
  finish(): void {
    for (const response of this.#open.splice(0)) response.end("done");
  }

  protected override async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.startsWith("/reset")) {
      response.destroy();
    } else if (request.url?.startsWith("/slow")) {
      this.#open.push(response);
      for (const arrived of this.#arrivals.splice(0)) arrived();
    } else {
      await super.handle(request, response);
    }
  }
}

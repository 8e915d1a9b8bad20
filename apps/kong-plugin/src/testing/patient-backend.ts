import type { IncomingMessage, ServerResponse } from "node:http";

import { ScriptedBackend } from "@kong-serverless/testing";

/** A ready backend with requests that take until they are told to end (`/slow`), and such that it breaks off (`/reset`). */
export class PatientBackend extends ScriptedBackend {
  readonly #open: ServerResponse[] = [];
  #arrivals: (() => void)[] = [];

  /** Requests that it works on. */
  get open(): number {
    return this.#open.filter((response) => !response.destroyed).length;
  }

  /** Resolves once it works on `count` requests. */
  async waitForOpen(count: number): Promise<void> {
    while (this.open < count) await new Promise<void>((resolve) => this.#arrivals.push(resolve));
  }

  /** Answers all that it works on. */
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

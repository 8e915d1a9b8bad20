import type { IncomingMessage, ServerResponse } from "node:http";

import { type ScriptedAnswer, ScriptedServer } from "./scripted-server.ts";

/** Gives every request the same answer. */
export class AnsweringServer extends ScriptedServer {
  readonly #answer: ScriptedAnswer;

  constructor(answer: ScriptedAnswer) {
    super();
    this.#answer = answer;
  }

  protected override async handle(_: IncomingMessage, response: ServerResponse): Promise<void> {
    this.answer(response, this.#answer);
  }
}

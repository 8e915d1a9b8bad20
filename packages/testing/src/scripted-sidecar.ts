import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

import { Script } from "./script.ts";
import { type ScriptedAnswer, ScriptedServer } from "./scripted-server.ts";

/** What a publisher sent. */
export interface SidecarMessage {
  readonly pubsub: string;
  readonly topic: string;
  /** Of the query, without the prefix `metadata.`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly data: unknown;
}

const publishPath = /^\/v1\.0\/publish\/([^/]+)\/([^/]+)$/;

/**
 * Stands in for daprd: answers its publish API by a script, of which the last answer repeats, and records what it was sent.
 * Its health URLs are answered 204, all else 404.
 *
 * @see https://docs.dapr.io/reference/api/pubsub_api/
 */
export class ScriptedSidecar extends ScriptedServer {
  readonly #answers: Script<ScriptedAnswer>;
  readonly messages: SidecarMessage[] = [];
  /** Method and path of everything that is no publish. */
  readonly otherRequests: string[] = [];
  /** How many connections were opened to it. */
  connections = 0;
  readonly #sockets = new WeakSet<object>();

  constructor(...answers: ScriptedAnswer[]) {
    super();
    const [first = 204, ...rest] = answers;
    this.#answers = new Script<ScriptedAnswer>([first, ...rest]);
  }

  /** Answers publishes by another script from now on. */
  become(...answers: [ScriptedAnswer, ...ScriptedAnswer[]]): void {
    this.#answers.replace(answers);
  }

  protected override async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#sockets.has(request.socket)) {
      this.#sockets.add(request.socket);
      this.connections += 1;
    }
    const url = new URL(request.url ?? "/", this.url);
    const [, pubsub, topic] = publishPath.exec(url.pathname) ?? [];
    if (pubsub === undefined || topic === undefined || request.method !== "POST") {
      this.otherRequests.push(`${request.method} ${url.pathname}`);
      this.answer(response, url.pathname.startsWith("/v1.0/healthz") ? 204 : 404);
      return;
    }
    const body = await text(request);
    this.messages.push({
      pubsub: decodeURIComponent(pubsub),
      topic: decodeURIComponent(topic),
      metadata: Object.fromEntries(
        [...url.searchParams].map(([name, value]) => [name.replace(/^metadata\./, ""), value]),
      ),
      headers: request.headers,
      data: body === "" ? undefined : JSON.parse(body),
    });
    this.answer(response, this.#answers.next());
  }
}

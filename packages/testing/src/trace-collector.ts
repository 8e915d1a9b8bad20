import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

import { ScriptedServer } from "./scripted-server.ts";

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

/** What an exporter sends, as far as tests look at it. */
interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly ReceivedSpan[] }[];
  }[];
}

/** Takes traces as an OpenTelemetry collector does, over HTTP with JSON. */
export class TraceCollector extends ScriptedServer {
  readonly requests: { readonly url: string | undefined; readonly key: string | undefined }[] = [];
  readonly #exports: Export[] = [];

  get resources() {
    return this.#exports.flatMap(({ resourceSpans }) => resourceSpans.map(({ resource }) => resource));
  }

  get spans(): readonly ReceivedSpan[] {
    return this.#exports.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    );
  }

  protected override async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push({ url: request.url, key: request.headers["x-key"]?.toString() });
    this.#exports.push((await json(request)) as Export);
    this.answer(response, { status: 200, body: "{}" });
  }
}

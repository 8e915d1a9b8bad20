import { onTestFinished } from "vitest";

import type { PageEvents } from "../messages.ts";

type Told = {
  [Name in keyof PageEvents]: { readonly name: Name; readonly data: PageEvents[Name] };
}[keyof PageEvents];

/** A browser's tab as the server sees it: a reader of the event stream. */
export class Tab {
  readonly told: Told[] = [];
  /** Resolves when the stream has ended; rejects when it broke. */
  readonly ended: Promise<void>;
  readonly #leaving = new AbortController();

  static async open(url: string): Promise<Tab> {
    const leaving = new AbortController();
    const response = await fetch(`${url}/events`, { signal: leaving.signal });
    if (!response.ok || !response.body) throw new Error(`answered ${response.status}`);
    const tab = new Tab(response.body, leaving);
    onTestFinished(() => tab.close());
    return tab;
  }

  private constructor(body: ReadableStream<Uint8Array>, leaving: AbortController) {
    this.#leaving = leaving;
    this.ended = this.#read(body);
    this.ended.catch(() => {});
  }

  /** The data of all events of that name, in order. */
  all<Name extends keyof PageEvents>(name: Name): PageEvents[Name][] {
    return this.told.filter((event) => event.name === name).map(({ data }) => data as PageEvents[Name]);
  }

  close(): void {
    this.#leaving.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = "";
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const [, name, data = ""] = /event: (.+)\ndata: (.+)/.exec(event) ?? [];
        if (name !== undefined) this.told.push({ name, data: JSON.parse(data) } as Told);
      }
    }
  }
}

import type { PageEvents } from "./messages.ts";

/**
 * The most bytes that may wait for a slow tab. Beyond that it is dropped; it reconnects by itself, from a new snapshot.
 */
const maxWaitingBytes = 512 * 1024;
/** How long a tab waits before it reconnects. */
const retryMs = 1_000;
const encoder = new TextEncoder();

/**
 * The open tabs, each a stream of server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class Tabs {
  readonly #open = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #maxTabs: number;

  constructor(maxTabs: number) {
    this.#maxTabs = maxTabs;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Opens the stream of a tab, which starts with `snapshot`; undefined if there are too many. */
  open(snapshot: PageEvents["snapshot"]): ReadableStream<Uint8Array> | undefined {
    if (this.#open.size >= this.#maxTabs) return undefined;
    let tab: ReadableStreamDefaultController<Uint8Array> | undefined;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          tab = controller;
          controller.enqueue(encoder.encode(`retry: ${retryMs}\n${toEvent("snapshot", snapshot)}`));
          this.#open.add(controller);
        },
        cancel: () => {
          if (tab) this.#open.delete(tab);
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: maxWaitingBytes }),
    );
  }

  send<Name extends keyof PageEvents>(name: Name, data: PageEvents[Name]): void {
    const bytes = encoder.encode(toEvent(name, data));
    for (const tab of this.#open) {
      if ((tab.desiredSize ?? 0) > 0) {
        tab.enqueue(bytes);
      } else {
        this.#open.delete(tab);
        tab.error(new Error("the tab reads too slowly"));
      }
    }
  }

  close(): void {
    for (const tab of this.#open) tab.close();
    this.#open.clear();
  }
}

function toEvent<Name extends keyof PageEvents>(name: Name, data: PageEvents[Name]): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

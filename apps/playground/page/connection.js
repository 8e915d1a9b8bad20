/** @import { PageEvents } from "../src/page/messages.ts" */

/** The server sends something every second. */
const silenceMs = 5_000;
const retryMs = 1_000;

/**
 * Listens to the playground while the tab is visible, since browsers limit the connections to one server over all tabs.
 * Each connection starts with a snapshot, which has everything missed meanwhile.
 *
 * @param {{ [Name in keyof PageEvents]: (data: PageEvents[Name]) => void }} listeners
 * @param {() => void} onLost
 */
export function connect(listeners, onLost) {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const lose = () => {
    close();
    timer = setTimeout(open, retryMs);
    onLost();
  };
  const hearSomething = () => {
    clearTimeout(timer);
    timer = setTimeout(lose, silenceMs);
  };
  const open = () => {
    const opened = new EventSource("/events");
    source = opened;
    opened.addEventListener("error", lose);
    for (const [name, listener] of Object.entries(listeners)) {
      opened.addEventListener(name, (event) => {
        hearSomething();
        /** @type {(data: unknown) => void} */ (listener)(JSON.parse(event.data));
      });
    }
    hearSomething();
  };
  document.addEventListener("visibilitychange", () => {
    close();
    if (!document.hidden) open();
  });
  if (!document.hidden) open();
}

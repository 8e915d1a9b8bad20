/** @import { ActionAnswer } from "../src/page/messages.ts" */
import { byId } from "./part.js";

/** Sends what is pressed, and says what it was answered. */
export function startButtons() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : undefined;
    const { action, target } = button?.dataset ?? {};
    if (action !== undefined) void act(action, target).then(({ message, isBad }) => say(message, isBad));
  });
}

/**
 * @param {string} message
 * @param {boolean} isBad
 */
export function say(message, isBad = false) {
  const status = byId("status");
  status.textContent = message;
  status.classList.toggle("bad", isBad);
}

/**
 * @param {string} action
 * @param {string | undefined} target
 * @returns {Promise<{ message: string, isBad: boolean }>}
 */
async function act(action, target) {
  try {
    const response = await fetch(`/actions/${action}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(target === undefined ? {} : { target }),
    });
    const { message } = /** @type {ActionAnswer} */ (await response.json());
    return { message, isBad: !response.ok };
  } catch {
    return { message: "The playground did not answer.", isBad: true };
  }
}

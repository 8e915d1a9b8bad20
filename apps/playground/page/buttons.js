/** @import { ActionAnswer, ActionName } from "../src/page/messages.ts" */
import { byId } from "./part.js";

let isGone = false;
/** Reasons why actions cannot work. @type {Readonly<Partial<Record<ActionName, string>>>} */
let unavailable = {};

/** Sends the action of a pressed button, and shows the playground's answer below it. */
export function startButtons() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : undefined;
    const { action, target } = button?.dataset ?? {};
    if (!button || action === undefined || button.ariaDisabled === "true") return;
    const result = resultOf(button);
    void act(action, target).then(({ message, isBad }) => say(result, message, isBad));
  });
}

/** Shows the outcome of an action. @param {ActionName} action @param {string} message @param {boolean} isBad */
export function sayOutcome(action, message, isBad) {
  say(document.querySelector(`[data-result="${action}"]`), message, isBad);
}

/** @param {Readonly<Partial<Record<ActionName, string>>>} reasons */
export function disableUnavailable(reasons) {
  unavailable = reasons;
  for (const [action, reason] of Object.entries(reasons)) {
    const small = document.querySelector(`[data-action="${action}"] small`);
    if (small) small.textContent = reason;
  }
  refreshButtons();
}

/** Disables every button while the playground is gone; the banner says why. @param {boolean} isGoneNow */
export function disableWhileGone(isGoneNow) {
  isGone = isGoneNow;
  refreshButtons();
}

/**
 * A disabled button stays reachable by keyboard, with the reason as its description.
 *
 * @param {Element} button
 * @param {string | undefined} reasonId of the element that says why; undefined enables it
 */
export function disable(button, reasonId) {
  const reason = isGone ? "gone" : reasonId;
  if (reason === undefined) {
    button.removeAttribute("aria-disabled");
    button.removeAttribute("aria-describedby");
    return;
  }
  button.setAttribute("aria-disabled", "true");
  button.setAttribute("aria-describedby", reason);
}

function refreshButtons() {
  for (const button of document.querySelectorAll(".action button")) {
    const action = /** @type {HTMLElement} */ (button).dataset["action"] ?? "";
    const small = button.querySelector("small");
    if (small) small.id = `about-${action}`;
    disable(button, action in unavailable ? `about-${action}` : undefined);
  }
  for (const button of document.querySelectorAll(".target [data-action=kill]")) {
    if (isGone) disable(button, "gone");
  }
}

/** @param {HTMLButtonElement} button */
function resultOf(button) {
  return button.closest(".action, .target")?.querySelector(".result");
}

/** @param {Element | null | undefined} result @param {string} message @param {boolean} isBad */
function say(result, message, isBad) {
  if (!result) return;
  result.textContent = message;
  result.classList.toggle("bad", isBad);
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

/** Says that the playground is gone, and how to get it back. @param {string | undefined} startCommand */
export function showGone(startCommand) {
  const banner = byId("gone");
  banner.hidden = startCommand === undefined;
  // Filled only when shown: screen readers announce an alert when its text changes.
  if (startCommand === undefined) {
    banner.replaceChildren();
    return;
  }
  const command = document.createElement("code");
  command.textContent = startCommand;
  banner.replaceChildren(
    "The playground is gone. Start it again with ",
    command,
    " and this page goes on by itself.",
  );
}

/** @import { ShownTarget } from "../src/page/messages.ts" */
import { disable } from "./buttons.js";
import { duration } from "./format.js";
import { byId, copyTemplate, span } from "./part.js";
import { describeTerm } from "./terms.js";

/** The bar is full at the plugin's default lease. */
const fullLeaseMs = 2_000;

/** @type {Map<string, ReturnType<typeof copyTemplate>>} */
const cards = new Map();

/** @param {readonly ShownTarget[]} targets */
export function showTargets(targets) {
  const names = targets.map(({ name }) => name);
  if (names.join() !== [...cards.keys()].join()) makeCards(names);
  for (const target of targets) showTarget(target);
}

/** @param {readonly string[]} names */
function makeCards(names) {
  cards.clear();
  for (const name of names) {
    const card = copyTemplate("target");
    card.field("name").textContent = name;
    card.field("kill").dataset["target"] = name;
    card.field("kill").setAttribute("aria-label", `Kill a replica of ${name}`);
    card.field("why-no-kill").id = `why-no-kill-${name}`;
    for (const term of card.element.querySelectorAll("button.term")) describeTerm(term);
    cards.set(name, card);
  }
  byId("targets").replaceChildren(...[...cards.values()].map(({ element }) => element));
}

/** @param {ShownTarget} target */
function showTarget(target) {
  const card = cards.get(target.name);
  if (!card) return;
  const { element, field } = card;
  const { backend, replicas, readyPods, processes, queueLength } = target;
  const { state, hint } = describe(target);
  element.dataset["state"] = state;
  field("state").textContent = state;
  field("lease").hidden = state !== "ready";
  field("lease-left").textContent = duration(backend?.leaseLeftMs ?? 0);
  field("hint").textContent = hint;
  field("why-no-kill").hidden = replicas > 0;
  disable(field("kill"), replicas > 0 ? undefined : `why-no-kill-${target.name}`);
  field("lease-fill").style.width = `${Math.min(100, ((backend?.leaseLeftMs ?? 0) / fullLeaseMs) * 100)}%`;
  field("held-figure").hidden = backend === undefined;
  field("in-flight-figure").hidden = backend === undefined;
  showFigure(field("held"), backend?.held ?? 0);
  showFigure(field("in-flight"), backend?.inFlight ?? 0);
  showFigure(field("queue"), queueLength);
  showFigure(field("replicas"), replicas);
  showPods(field("pods"), readyPods, processes - readyPods);
}

/**
 * @param {ShownTarget} target
 * @returns {{ state: string, hint: string }}
 */
function describe({ backend, replicas, readyPods, processes }) {
  if (!backend) {
    if (readyPods > 0) return { state: "working", hint: "It takes messages off its queue." };
    if (replicas > 0) return { state: "starting", hint: "Its first replica is on its way." };
    return { state: "at zero", hint: "A message on its queue wakes it." };
  }
  const { state } = backend;
  if (state === "ready") return { state, hint: "" };
  if (state === "activating") return { state, hint: "Requests are held until it is ready." };
  if (readyPods > 0) return { state, hint: "It is still up. The next request is held for one probe." };
  if (processes > 0) return { state, hint: "Its last processes are terminating." };
  return { state, hint: "The next request wakes it." };
}

/**
 * @param {HTMLElement} element
 * @param {number} value
 */
function showFigure(element, value) {
  element.textContent = String(value);
  element.classList.toggle("nought", value === 0);
}

/**
 * @param {HTMLElement} element
 * @param {number} ready
 * @param {number} others
 */
function showPods(element, ready, others) {
  const text = `${ready} ready, ${others} starting or terminating`;
  if (element.ariaLabel === text) return;
  element.ariaLabel = text;
  element.title = text;
  const pods = [...Array(ready).fill("pod ready"), ...Array(others).fill("pod")];
  element.replaceChildren(...pods.map((name) => span(name)));
}

/** @import { ShownColdStart } from "../src/page/messages.ts" */
import { duration, timeOfDay } from "./format.js";
import { byId, copyTemplate, span } from "./part.js";

const most = 8;
/** The least time scale of a running cold start, so that its first bars do not fill the row. */
const leastScaleMs = 2_500;
/** How often running bars grow with reduced motion. */
const stillRefreshMs = 1_000;
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

/** What the time before a step was spent on. */
const phases = {
  hold: "gateway and plugin",
  wake: "wake message",
  scale: "autoscaler",
  start: "start of the backend",
  answer: "answer",
};

/** @typedef {keyof typeof phases} Phase */

/** @type {Readonly<Record<string, { name: string, phase: Phase }>>} */
const steps = {
  "woken along": { name: "Woken along", phase: "hold" },
  held: { name: "Held", phase: "hold" },
  "wake pushed": { name: "Wake pushed", phase: "wake" },
  "wake published": { name: "Wake message sent", phase: "wake" },
  "queue seen by the scaler": { name: "Queue seen", phase: "scale" },
  "scaled 0 -> 1": { name: "Scaled to 1", phase: "scale" },
  "process started": { name: "Process started", phase: "start" },
  "ready for the kubelet": { name: "Ready for the kubelet", phase: "start" },
  "first ready answer": { name: "Ready", phase: "start" },
  proxied: { name: "Proxied", phase: "answer" },
  answered: { name: "Answered", phase: "answer" },
};

/**
 * What a running cold start waits for after its last step, by that step's phase.
 *
 * @type {Readonly<Record<Phase, { name: string, phase: Phase }>>}
 */
const waits = {
  hold: { name: "Sending the wake", phase: "wake" },
  wake: { name: "Waiting for KEDA", phase: "scale" },
  scale: { name: "Starting a pod", phase: "start" },
  start: { name: "Starting", phase: "start" },
  answer: { name: "Answering", phase: "answer" },
};

/**
 * @typedef {object} Row
 * @property {ShownColdStart} coldStart
 * @property {HTMLElement} element
 * @property {(name: string) => HTMLElement} field
 */

/** @type {Row[]} newest first */
let rows = [];
/** How far the browser's clock is ahead of the server's. */
let aheadMs = 0;
/** @type {number | undefined} */
let growing;

/**
 * @param {readonly ShownColdStart[]} past oldest first
 * @param {number} atMs the server's clock
 */
export function startColdStarts(past, atMs) {
  aheadMs = Date.now() - atMs;
  byId("phases").replaceChildren(
    ...Object.entries(phases).map(([phase, what]) => {
      const item = span("item", what);
      item.prepend(span(`swatch ${phase}`));
      return item;
    }),
  );
  rows = [];
  byId("cold-starts").replaceChildren();
  byId("no-cold-start").hidden = past.length > 0;
  for (const coldStart of past) showColdStart(coldStart);
}

/** Adds a new cold start above the others, expanded, or updates one that is shown. @param {ShownColdStart} coldStart */
export function showColdStart(coldStart) {
  byId("no-cold-start").hidden = true;
  const shown = rows.find((row) => row.coldStart.id === coldStart.id);
  if (shown) shown.coldStart = coldStart;
  else addRow(coldStart);
  drawAll();
  grow();
}

/** @param {ShownColdStart} coldStart */
function addRow(coldStart) {
  for (const { element } of rows) element.removeAttribute("open");
  const { element, field } = copyTemplate("cold-start");
  element.setAttribute("open", "");
  const { target, wokenBy } = coldStart;
  field("target").textContent = wokenBy === undefined ? target : `${target}, with ${wokenBy}`;
  byId("cold-starts").prepend(element);
  for (const { element: last } of rows.splice(most - 1)) last.remove();
  rows.unshift({ coldStart, element, field });
}

/** Draws all of them on one scale. */
function drawAll() {
  const scaleMs = Math.max(...rows.map(({ coldStart }) => scaleOf(coldStart)));
  for (const row of rows) drawRow(row, scaleMs);
}

/** @param {Row} row @param {number} scaleMs */
function drawRow({ coldStart, element, field }, scaleMs) {
  const { state } = coldStart;
  element.dataset["state"] = state;
  const ended = {
    answered: timeOfDay(coldStart.arrivedAtMs),
    running: "running",
    failed: "failed",
    left: "client left",
  };
  setText(field("total"), duration(elapsedMs(coldStart)));
  setText(field("time"), ended[state]);
  const parts = partsOf(coldStart);
  const ownScaleMs = scaleOf(coldStart);
  drawEach(
    field("bar"),
    parts,
    () => span("segment"),
    (segment, part) => drawSegment(segment, part, scaleMs),
  );
  drawEach(field("steps"), parts, newStep, (step, part) => drawStep(step, part, ownScaleMs));
}

/**
 * Reuses elements, so that growing bars are moved instead of rebuilt sixty times a second.
 *
 * @template {Element} Item
 * @template Part
 * @param {Element} list
 * @param {readonly Part[]} parts
 * @param {() => Item} create
 * @param {(item: Item, part: Part) => void} redraw
 */
function drawEach(list, parts, create, redraw) {
  while (list.childElementCount > parts.length) list.lastElementChild?.remove();
  while (list.childElementCount < parts.length) list.append(create());
  parts.forEach((part, index) => redraw(/** @type {Item} */ (list.children[index]), part));
}

/** @typedef {{ name: string, phase: Phase, fromMs: number, atMs: number, isRunning: boolean }} Part */

/**
 * The time between each step and the next and, while the cold start runs, since the last one.
 *
 * @param {ShownColdStart} coldStart
 * @returns {Part[]}
 */
function partsOf(coldStart) {
  const parts = coldStart.timeline.map(({ event, atMs }, index) => {
    const { name, phase } = steps[event] ?? { name: event, phase: "hold" };
    return { name, phase, fromMs: coldStart.timeline[index - 1]?.atMs ?? 0, atMs, isRunning: false };
  });
  if (coldStart.state !== "running") return parts;
  const last = parts.at(-1);
  const { name, phase } = waits[last?.phase ?? "hold"];
  return [...parts, { name, phase, fromMs: last?.atMs ?? 0, atMs: elapsedMs(coldStart), isRunning: true }];
}

function newStep() {
  return copyTemplate("step").element;
}

/** @param {Element} step @param {Part} part @param {number} scaleMs */
function drawStep(step, part, scaleMs) {
  const { name, fromMs, atMs, isRunning } = part;
  /** @param {string} field */
  const find = (field) => step.querySelector(`[data-field="${field}"]`);
  step.classList.toggle("running", isRunning);
  setText(find("name"), name);
  setText(find("took"), `+${duration(atMs - fromMs)}`);
  setText(find("at"), isRunning ? "" : duration(atMs));
  const segment = find("segment");
  if (segment) drawSegment(segment, part, scaleMs);
}

/** @param {Element} segment @param {Part} part @param {number} wholeMs */
function drawSegment(segment, { phase, fromMs, atMs, isRunning }, wholeMs) {
  if (!(segment instanceof HTMLElement)) return;
  segment.className = `segment ${phase}${isRunning ? " running" : ""}`;
  segment.style.left = `${(fromMs / wholeMs) * 100}%`;
  segment.style.width = `${(Math.max(0, atMs - fromMs) / wholeMs) * 100}%`;
}

/** @param {Element | null} element @param {string} text */
function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Makes running bars grow for as long as there are any. */
function grow() {
  if (growing !== undefined || !rows.some(({ coldStart }) => coldStart.state === "running")) return;
  const next = () => {
    growing = undefined;
    if (document.body.dataset["connection"] === "live") drawAll();
    grow();
  };
  growing = stillness.matches ? setTimeout(next, stillRefreshMs) : requestAnimationFrame(next);
}

/** @param {ShownColdStart} coldStart */
function elapsedMs({ state, arrivedAtMs, timeline }) {
  const lastMs = timeline.at(-1)?.atMs ?? 0;
  return state === "running" ? Math.max(lastMs, Date.now() - aheadMs - arrivedAtMs) : lastMs;
}

/** @param {ShownColdStart} coldStart */
function scaleOf(coldStart) {
  const elapsed = elapsedMs(coldStart);
  return coldStart.state === "running" ? Math.max(leastScaleMs, elapsed * 1.1) : elapsed;
}

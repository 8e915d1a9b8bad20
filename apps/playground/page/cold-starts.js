/** @import { ShownColdStart } from "../src/page/messages.ts" */
import { duration, timeOfDay } from "./format.js";
import { byId, copyTemplate, span } from "./part.js";

const most = 8;

/** Who the time up to a step goes to. */
const phases = {
  hold: "gateway and plugin",
  wake: "wake message",
  scale: "autoscaler",
  start: "start of the backend",
  answer: "answer",
};

/** @type {Readonly<Record<string, { name: string, phase: keyof typeof phases }>>} */
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

/** @type {{ coldStart: ShownColdStart, element: HTMLElement, bar: HTMLElement }[]} newest first */
let shown = [];

/** @param {readonly ShownColdStart[]} past oldest first */
export function startColdStarts(past) {
  byId("phases").replaceChildren(
    ...Object.entries(phases).map(([phase, who]) => {
      const item = span("item", who);
      item.prepend(span(`swatch ${phase}`));
      return item;
    }),
  );
  shown = [];
  byId("cold-starts").replaceChildren();
  byId("no-cold-start").hidden = past.length > 0;
  for (const coldStart of past) addColdStart(coldStart);
}

/** Shows one more, open, above the others, and all of them on one scale. @param {ShownColdStart} coldStart */
export function addColdStart(coldStart) {
  byId("no-cold-start").hidden = true;
  for (const { element } of shown) element.removeAttribute("open");
  const added = draw(coldStart);
  byId("cold-starts").prepend(added.element);
  for (const { element } of shown.splice(most - 1)) element.remove();
  shown.unshift(added);
  const longestMs = Math.max(...shown.map((entry) => totalMs(entry.coldStart)));
  for (const entry of shown) {
    const segments = partsOf(entry.coldStart).map(({ phase, fromMs, atMs }) =>
      place(span(`segment ${phase}`), fromMs, atMs, longestMs),
    );
    entry.bar.replaceChildren(...segments);
  }
}

/** @param {ShownColdStart} coldStart */
function draw(coldStart) {
  const { element, field } = copyTemplate("cold-start");
  const total = totalMs(coldStart);
  element.setAttribute("open", "");
  const { target, wokenBy } = coldStart;
  field("target").textContent = wokenBy === undefined ? target : `${target}, with ${wokenBy}`;
  field("total").textContent = duration(total);
  field("time").textContent = timeOfDay(coldStart.endedAtMs);
  field("steps").replaceChildren(...partsOf(coldStart).map((part) => drawStep(part, total)));
  return { coldStart, element, bar: field("bar") };
}

/** The time between one step and the next. @param {ShownColdStart} coldStart */
function partsOf({ timeline }) {
  return timeline.map(({ event, atMs }, index) => {
    const { name, phase } = steps[event] ?? { name: event, phase: "hold" };
    return { name, phase, fromMs: timeline[index - 1]?.atMs ?? 0, atMs };
  });
}

/**
 * @param {{ name: string, phase: string, fromMs: number, atMs: number }} part
 * @param {number} total
 */
function drawStep({ name, phase, fromMs, atMs }, total) {
  const { element, field } = copyTemplate("step");
  field("name").textContent = name;
  field("segment").classList.add(phase);
  place(field("segment"), fromMs, atMs, total);
  field("took").textContent = `+${duration(atMs - fromMs)}`;
  field("at").textContent = duration(atMs);
  return element;
}

/**
 * @param {HTMLElement} segment
 * @param {number} fromMs
 * @param {number} atMs
 * @param {number} wholeMs
 */
function place(segment, fromMs, atMs, wholeMs) {
  segment.style.left = `${(fromMs / wholeMs) * 100}%`;
  segment.style.width = `${((atMs - fromMs) / wholeMs) * 100}%`;
  return segment;
}

/** @param {ShownColdStart} coldStart */
function totalMs({ timeline }) {
  return timeline.at(-1)?.atMs ?? 0;
}

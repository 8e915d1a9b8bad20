/** @import { Now, Sample, ShownColdStart, ShownTarget } from "../src/page/messages.ts" */
/** @import { Token, Trip } from "./diagram-drawing.js" */
import { drawDiagram, setPart, setTitle, travel } from "./diagram-drawing.js";
import { duration } from "./format.js";
import { byId } from "./part.js";

const narrowness = matchMedia("(max-width: 560px)");
/** Movements that may wait their turn; more are not shown. */
const maxWaiting = 6;

/**
 * What moves at each step of a cold start. Requests move one after another, and so do wakes.
 *
 * @type {Readonly<Record<string, () => void>>}
 */
const movesByStep = {
  "wake pushed": () => move("wake", "wake", [["push", 1]]),
  "wake published": () =>
    move("wake", "wake", [
      ["wake", 1],
      ["publish", 1],
    ]),
  "queue seen by the scaler": () => move("wake", "scale", [["poll", -1]]),
  "scaled 0 -> 1": () => move("wake", "scale", [["scale", 1]]),
  "first ready answer": () => move("request", "probe", [["proxy", -1]]),
  proxied: () => move("request", "request", [["proxy", 1]]),
  answered: () =>
    move("request", "answer", [
      ["proxy", -1],
      ["request", -1],
    ]),
};

/** @type {Now | undefined} */
let now;
/** The newest cold start, which decides whose backend is shown. @type {ShownColdStart | undefined} */
let coldStart;
/** @type {Set<string>} */
let movedSteps = new Set();
let lastHeld = 0;
/** Movements that wait their turn. @type {Record<"request" | "wake", { tail: Promise<unknown>, waiting: number }>} */
const queues = {
  request: { tail: Promise.resolve(), waiting: 0 },
  wake: { tail: Promise.resolve(), waiting: 0 },
};

narrowness.addEventListener("change", () => {
  drawDiagram(narrowness.matches);
  show();
});
drawDiagram(narrowness.matches);

/** Starts over from a connection's snapshot. @param {Now} first @param {readonly ShownColdStart[]} past */
export function startDiagram(first, past) {
  now = first;
  coldStart = past.findLast(({ wokenBy }) => wokenBy === undefined);
  movedSteps = new Set(coldStart?.timeline.map(({ event }) => event));
  lastHeld = shownTarget()?.backend?.held ?? 0;
  show();
}

/** @param {Now} next */
export function showInDiagram(next) {
  now = next;
  const held = shownTarget()?.backend?.held ?? 0;
  if (held > lastHeld) move("request", "request", [["request", 1]]);
  lastHeld = held;
  show();
}

/** @param {ShownColdStart} next */
export function moveInDiagram(next) {
  if (next.wokenBy !== undefined) return;
  if (next.id !== coldStart?.id) movedSteps = new Set();
  coldStart = next;
  for (const { event } of next.timeline) {
    if (movedSteps.has(event)) continue;
    movedSteps.add(event);
    movesByStep[event]?.();
  }
  show();
}

/** Warm requests take a millisecond, so one of them stands for all within a second. @param {Sample} sample */
export function passInDiagram(sample) {
  const index = now?.targets.findIndex(({ name }) => name === shownTarget()?.name) ?? -1;
  if (coldStart?.state === "running" || (sample.inFlight[index] ?? 0) === 0 || queues.request.waiting > 0)
    return;
  move("request", "request", [
    ["request", 1],
    ["proxy", 1],
  ]);
  movesByStep["answered"]?.();
}

/** The backend of the newest cold start, or the first backend if there has been none. */
function shownTarget() {
  const backends = now?.targets.filter(({ backend }) => backend !== undefined) ?? [];
  return backends.find(({ name }) => name === coldStart?.target) ?? backends[0];
}

function show() {
  const target = shownTarget();
  if (!now || !target) return;
  const { backend, queueLength, replicas, readyPods, processes } = target;
  const held = backend?.held ?? 0;
  const isRunning = coldStart?.state === "running" && coldStart.target === target.name;
  const { isRunning: isSidecarOn, description } = now.sidecar;
  const isUp = processes > 0;
  setPart("client", held > 0 ? "waiting" : lastAnswer(), held > 0);
  setPart("gateway", held > 0 ? `holds ${counted(held, "request")}` : "holds nothing", held > 0);
  setPart(
    "sidecar",
    isSidecarOn ? (/stand-in/.test(description) ? "stand-in for Dapr" : "Dapr") : "stopped",
    false,
  );
  setPart("queue", queueLength === 0 ? "empty" : counted(queueLength, "message"), queueLength > 0);
  setPart(
    "keda",
    replicas === 0 ? "at 0 replicas" : `at ${counted(replicas, "replica")}`,
    isRunning && replicas > 0,
  );
  setPart("pod", "", isUp);
  setPart(
    "backend",
    readyPods > 0 ? "ready" : replicas > 0 ? "starting" : isUp ? "ending" : "not running",
    readyPods > 0,
  );
  setTitle("backend", target.name);
  const diagram = byId("diagram");
  diagram.toggleAttribute("data-up", isUp);
  diagram.toggleAttribute("data-held", held > 0);
  diagram.toggleAttribute("data-message", queueLength > 0);
  diagram.toggleAttribute("data-probing", isRunning && processes > 0 && readyPods === 0);
  diagram.toggleAttribute("data-starting", replicas > 0 && readyPods === 0);
  diagram.toggleAttribute("data-stopped", !isSidecarOn);
  const caption = byId("caption");
  const sentence = explain(target, isRunning);
  if (caption.textContent !== sentence) caption.textContent = sentence;
}

/** Describes what is happening now, in a sentence or two. @param {ShownTarget} target @param {boolean} isRunning */
function explain({ backend, processes, readyPods }, isRunning) {
  if (isRunning) return sentences[coldStart?.timeline.at(-1)?.event ?? "held"] ?? heldSentence;
  if (now?.sidecar.isRunning === false) {
    return "The sidecar is stopped, so no wake message gets out: a request to a cold backend is held until its deadline.";
  }
  if ((backend?.inFlight ?? 0) > 0)
    return "The backend is ready. Requests go straight through, without a wake or a probe.";
  if (readyPods > 0) {
    return "The backend is ready. Without requests the queue empties, a cooldown passes, and KEDA scales it back to zero.";
  }
  if (processes > 0) return "KEDA has scaled the backend to zero. Its last process is ending.";
  return "Nothing runs. The next request is held at the gateway while it wakes the backend.";
}

const heldSentence =
  "The backend is at zero. The gateway holds the request and sends a wake message through the sidecar.";
/** What a running cold start is waiting for, by its last step. @type {Readonly<Record<string, string>>} */
const sentences = {
  held: heldSentence,
  "wake pushed": "The gateway has told KEDA directly, so KEDA does not wait for its next poll.",
  "wake published": "The wake message is on its way to the queue. KEDA checks it once a second.",
  "queue seen by the scaler": "KEDA has found the message on the queue.",
  "scaled 0 -> 1": "KEDA has scaled the backend from 0 to 1. A pod is on its way.",
  "process started": "The backend is starting. The gateway keeps asking whether it is ready.",
  "ready for the kubelet": "The backend has passed its pod\u2019s readiness probe.",
  "first ready answer": "The backend answered that it is ready, which ends the hold.",
  proxied: "The gateway passes the request on, and holds no more until the backend is cold again.",
};

function lastAnswer() {
  const total = coldStart?.timeline.at(-1)?.atMs;
  if (coldStart?.state === "failed") return "answered 503";
  return coldStart?.state === "answered" && total !== undefined
    ? `answered in ${duration(total)}`
    : "sends requests";
}

/** @param {number} count @param {string} what */
function counted(count, what) {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/**
 * Moves a token once those before it in its queue have arrived.
 *
 * @param {"request" | "wake"} queue
 * @param {Token} token
 * @param {Trip} trip
 */
function move(queue, token, trip) {
  const own = queues[queue];
  if (own.waiting >= maxWaiting || document.hidden) return;
  own.waiting += 1;
  own.tail = own.tail.then(() => travel(token, trip)).finally(() => (own.waiting -= 1));
}

/** @import { Layout, Part, Point, Way } from "./diagram-layout.js" */
import { narrow, restingPlace, wide } from "./diagram-layout.js";
import { byId } from "./part.js";

/** @typedef {"request" | "wake" | "scale" | "probe" | "answer"} Token */
/** Ways to take, each along its arrow (1) or against it (-1). @typedef {readonly (readonly [Way, 1 | -1])[]} Trip */

const namespace = "http://www.w3.org/2000/svg";
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
/** How long a token takes for one way. Steps of a cold start may be faster. */
const moveMs = 420;

/** @type {Readonly<Record<Part, string>>} */
const titles = {
  client: "client",
  gateway: "gateway",
  sidecar: "sidecar",
  queue: "wake queue",
  keda: "KEDA",
  pod: "pod",
  backend: "",
};

/** @type {Layout} */
let layout = wide;

/** Draws everything that does not move. @param {boolean} isNarrow */
export function drawDiagram(isNarrow) {
  layout = isNarrow ? narrow : wide;
  const diagram = byId("diagram");
  diagram.setAttribute("viewBox", `0 0 ${layout.width} ${layout.height}`);
  const ways = Object.entries(layout.ways).map(([name, points]) => {
    const line = element("path", `way ${name}`);
    line.setAttribute("d", `M${points.map((point) => point.join(" ")).join("L")}`);
    line.setAttribute("marker-end", "url(#arrow)");
    return line;
  });
  const parts = Object.entries(layout.parts).map(([name, { x, y, width, height }]) => {
    const group = element("g", `part ${name}`);
    const box = element("rect", "box");
    for (const [key, value] of Object.entries({ x, y, width, height, rx: 10 }))
      box.setAttribute(key, String(value));
    const isPod = name === "pod";
    const title = label("title", isPod ? x + 14 : x + width / 2, isPod ? y + 22 : y + height / 2 - 4);
    title.textContent = titles[/** @type {Part} */ (name)];
    group.append(box, title, label("state", x + width / 2, y + height / 2 + 16));
    return group;
  });
  const resting = [restingToken("request", "gateway"), restingToken("wake", "queue")];
  byId("diagram-drawing").replaceChildren(...ways, ...parts, ...resting);
  // Drawn before the ways that lead into it.
  byId("diagram-drawing").prepend(part("pod"));
  byId("diagram-tokens").replaceChildren();
}

/** @param {Token} token @param {Part} place */
function restingToken(token, place) {
  const resting = makeToken(token);
  resting.classList.add("resting");
  const [x, y] = restingPlace(layout.parts[place]);
  resting.setAttribute("transform", `translate(${x} ${y})`);
  return resting;
}

/** @param {Part} name @param {string} state @param {boolean} isActive */
export function setPart(name, state, isActive) {
  const group = part(name);
  group.classList.toggle("active", isActive);
  const text = group.querySelector(".state");
  if (text && text.textContent !== state) text.textContent = state;
}

/** @param {Part} name @param {string} title */
export function setTitle(name, title) {
  part(name).querySelector(".title")?.replaceChildren(title);
}

/** @param {Part} name */
function part(name) {
  const found = byId("diagram-drawing").querySelector(`.part.${name}`);
  if (found) return found;
  throw new Error(`the diagram has no ${name}`);
}

/** Moves a token along its trip, unless reduced motion is set. @param {Token} token @param {Trip} trip */
export async function travel(token, trip) {
  for (const [name] of trip) byId("diagram-drawing").querySelector(`.way.${name}`)?.classList.add("used");
  if (stillness.matches) return;
  const points = trip.flatMap(([name, direction]) =>
    direction === 1 ? layout.ways[name] : layout.ways[name].toReversed(),
  );
  const moving = makeToken(token);
  byId("diagram-tokens").append(moving);
  const animation = moving.animate(keyframesAlong(points), {
    duration: moveMs * trip.length,
    easing: "ease-in-out",
    fill: "both",
  });
  await animation.finished.catch(() => {});
  moving.remove();
}

/** Keyframes that give a line a constant speed. @param {readonly Point[]} points */
function keyframesAlong(points) {
  const lengths = points.map(([x, y], index) => {
    const [fromX, fromY] = points[index - 1] ?? [x, y];
    return Math.hypot(x - fromX, y - fromY);
  });
  const whole = lengths.reduce((sum, length) => sum + length, 0);
  let passed = 0;
  return points.map(([x, y], index) => {
    passed += lengths[index] ?? 0;
    return { transform: `translate(${x}px, ${y}px)`, offset: passed / whole };
  });
}

/** @param {Token} token */
function makeToken(token) {
  const group = element("g", `token ${token}`);
  if (token === "wake") {
    const envelope = element("path", "shape");
    envelope.setAttribute("d", "M-10 -7H10V7H-10Z M-10 -7L0 1L10 -7");
    group.append(envelope);
  } else if (token === "scale") {
    const pill = element("rect", "shape");
    for (const [key, value] of Object.entries({ x: -20, y: -11, width: 40, height: 22, rx: 11 })) {
      pill.setAttribute(key, String(value));
    }
    const text = label("text", 0, 5);
    text.textContent = "0\u21921";
    group.append(pill, text);
  } else {
    const dot = element("circle", "shape");
    dot.setAttribute("r", token === "probe" ? "5" : "8");
    group.append(dot);
  }
  return group;
}

/** @param {string} className @param {number} x @param {number} y */
function label(className, x, y) {
  const text = element("text", className);
  text.setAttribute("x", String(x));
  text.setAttribute("y", String(y));
  return text;
}

/** @param {string} name @param {string} className */
function element(name, className) {
  const made = document.createElementNS(namespace, name);
  made.setAttribute("class", className);
  return made;
}

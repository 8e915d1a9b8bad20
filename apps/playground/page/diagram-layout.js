/**
 * @typedef {readonly [x: number, y: number]} Point
 * @typedef {{ readonly x: number, readonly y: number, readonly width: number, readonly height: number }} Box
 * @typedef {"client" | "gateway" | "sidecar" | "queue" | "keda" | "pod" | "backend"} Part
 * @typedef {"request" | "proxy" | "wake" | "publish" | "poll" | "scale" | "push"} Way
 *
 * @typedef {object} Layout
 * @property {number} width
 * @property {number} height
 * @property {Readonly<Record<Part, Box>>} parts
 * @property {Readonly<Record<Way, readonly Point[]>>} ways, in the direction of their arrows
 */

/** @type {Layout} */
export const wide = {
  width: 760,
  height: 292,
  parts: {
    client: { x: 8, y: 44, width: 140, height: 72 },
    gateway: { x: 214, y: 34, width: 176, height: 92 },
    sidecar: { x: 226, y: 204, width: 152, height: 72 },
    queue: { x: 430, y: 204, width: 116, height: 72 },
    keda: { x: 598, y: 204, width: 124, height: 72 },
    pod: { x: 572, y: 12, width: 176, height: 136 },
    backend: { x: 586, y: 44, width: 148, height: 72 },
  },
  ways: {
    request: [
      [148, 80],
      [214, 80],
    ],
    proxy: [
      [390, 80],
      [586, 80],
    ],
    wake: [
      [302, 126],
      [302, 204],
    ],
    publish: [
      [378, 240],
      [430, 240],
    ],
    poll: [
      [598, 240],
      [546, 240],
    ],
    scale: [
      [660, 204],
      [660, 148],
    ],
    push: [
      [376, 126],
      [452, 164],
      [620, 204],
    ],
  },
};

/** For a phone. @type {Layout} */
export const narrow = {
  width: 350,
  height: 366,
  parts: {
    client: { x: 4, y: 8, width: 122, height: 66 },
    gateway: { x: 166, y: 4, width: 180, height: 74 },
    sidecar: { x: 214, y: 156, width: 132, height: 66 },
    queue: { x: 220, y: 290, width: 120, height: 66 },
    keda: { x: 34, y: 290, width: 120, height: 66 },
    pod: { x: 4, y: 120, width: 180, height: 126 },
    backend: { x: 14, y: 148, width: 160, height: 66 },
  },
  ways: {
    request: [
      [126, 41],
      [166, 41],
    ],
    proxy: [
      [186, 78],
      [186, 98],
      [94, 98],
      [94, 148],
    ],
    wake: [
      [280, 78],
      [280, 156],
    ],
    publish: [
      [280, 222],
      [280, 290],
    ],
    poll: [
      [154, 323],
      [220, 323],
    ],
    scale: [
      [94, 290],
      [94, 246],
    ],
    push: [
      [206, 78],
      [206, 268],
      [140, 290],
    ],
  },
};

/** Where a token rests: at a part's upper right corner. @param {Box} box @returns {Point} */
export function restingPlace({ x, y, width }) {
  return [x + width - 8, y + 4];
}

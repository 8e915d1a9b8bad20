/**
 * @param {number} ms
 * @returns {string} `7 ms`, `849 ms`, `2.14 s`
 */
export function duration(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

/** @param {number} atMs epoch time */
export function timeOfDay(atMs) {
  return clock.format(atMs);
}

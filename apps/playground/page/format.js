/**
 * @param {number} ms
 * @returns {string} `85 ms`, `1.2 s`, `42 s`, `3 min 20 s`
 */
export function duration(ms) {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)} min${rest === 0 ? "" : ` ${rest} s`}`;
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });

/** @param {number} atMs epoch time */
export function timeOfDay(atMs) {
  return clock.format(atMs);
}

/** kubelet's back-off between restarts of a container that keeps ending: 10 s, doubled each time, up to 5 minutes. */
const firstDelayMs = 10_000;
const longestDelayMs = 300_000;

/** How long, in ms, a kubelet waits before each restart of a container: not at all, then longer and longer. */
export function* restartDelays(): Generator<number, never> {
  yield 0;
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(longestDelayMs, delayMs * 2)) yield delayMs;
}

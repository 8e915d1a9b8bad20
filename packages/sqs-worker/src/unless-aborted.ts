/**
 * Settles as `work` does, or rejects as soon as `signal` aborts, with its reason: what is given a signal may ignore it. `work` goes on
 * then, and nobody hears what becomes of it.
 */
export function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

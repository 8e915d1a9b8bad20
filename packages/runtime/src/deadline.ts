/**
 * An AbortSignal that aborts with `reason()` after `ms` milliseconds, or with the parent's reason when `parent` aborts.
 * Unlike `AbortSignal.timeout`, fake timers control it, and leaving the `using` scope frees its timer and listener.
 *
 * @example
 * using deadline = withDeadline(2000, () => new Error("no answer within 2000 ms"), signal);
 * await fetch(url, { signal: deadline.signal });
 */
export function withDeadline(
  ms: number,
  reason: () => Error,
  parent?: AbortSignal,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const onParentAbort = () => controller.abort(parent?.reason);
  if (parent?.aborted) onParentAbort();
  const timer = setTimeout(() => controller.abort(reason()), ms);
  parent?.addEventListener("abort", onParentAbort, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      parent?.removeEventListener("abort", onParentAbort);
    },
  };
}

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

/** Where the work stands in a distributed trace. https://www.w3.org/TR/trace-context/ */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

const traceparentForm = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/** Reads the first valid `traceparent` among `carriers`, with the `tracestate` beside it. */
export function readTraceContext(
  ...carriers: readonly (Readonly<Record<string, unknown>> | undefined)[]
): TraceContext | undefined {
  for (const carrier of carriers) {
    const { traceparent, tracestate } = carrier ?? {};
    if (typeof traceparent !== "string" || !traceparentForm.test(traceparent)) continue;
    return typeof tracestate === "string" && tracestate !== ""
      ? { traceparent, tracestate }
      : { traceparent };
  }
  return undefined;
}

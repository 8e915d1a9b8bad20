export { NotReadyError, type NotReadyDetails } from "./not-ready-error.ts";
export { ProbeBudget } from "./probe-budget.ts";
export { probe, type ProbeResult, type ProbeTarget } from "./probe.ts";
export { type ReadyAfter, waitUntilReady, type WaitUntilReadyOptions } from "./wait-until-ready.ts";

import { ServerlessError } from "@kong-serverless/runtime";

import type { ProbeResult } from "./probe.ts";

export interface NotReadyDetails {
  readonly deadlineMs: number;
  readonly attempts: number;
  /** Result of the latest probe that finished, if any did. */
  readonly last: ProbeResult | undefined;
}

/** The deadline passed before a probe was ready. */
export class NotReadyError extends ServerlessError implements NotReadyDetails {
  readonly deadlineMs: number;
  readonly attempts: number;
  readonly last: ProbeResult | undefined;

  constructor({ deadlineMs, attempts, last }: NotReadyDetails) {
    const probes = attempts === 1 ? "1 probe" : `${attempts} probes`;
    super(
      "NOT_READY_IN_TIME",
      `Not ready within ${deadlineMs} ms (${probes}); last seen: ${lastSeen(last)}.`,
    );
    this.deadlineMs = deadlineMs;
    this.attempts = attempts;
    this.last = last;
  }
}

function lastSeen(last: ProbeResult | undefined): string {
  if (last === undefined) return "nothing";
  return last.error ?? `status ${last.status}`;
}

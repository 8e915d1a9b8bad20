import type { ActivatorEvent } from "@kong-serverless/activator";
import { type Log, ServerlessError } from "@kong-serverless/runtime";

/** Writes what the activator observes to the log: state changes at info, failures at warn, single requests at debug. */
export function logActivatorEvent(log: Log, observed: ActivatorEvent): void {
  const { event, ...fields } = observed;
  switch (observed.event) {
    case "request.held":
    case "wake.started":
    case "probe.answered":
    case "backend.forgotten":
      return log.debug(fields, event);
    case "activation.pod_answered":
    case "activation.ready":
      return log.info({ ...fields, waitedMs: Math.round(observed.waitedMs) }, event);
    case "activation.failed":
      return log.warn({ ...fields, waitedMs: Math.round(observed.waitedMs) }, event);
    case "wake.published":
      return log.info({ ...fields, durationMs: Math.round(observed.durationMs) }, event);
    case "wake.failed": {
      const { backend, reason, error } = observed;
      const code = error instanceof ServerlessError ? error.code : "PUBLISH_FAILED";
      return log.warn({ backend, code, reason, error: String(error) }, event);
    }
    case "chain.broken":
    case "lease.lost":
    case "in_flight.written_off":
      return log.warn(fields, event);
    case "activation.started":
    case "settings.replaced":
      return log.info(fields, event);
  }
}

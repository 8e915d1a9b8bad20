import type { BackendSettings } from "@kong-serverless/config";
import type { ProbeTarget } from "@kong-serverless/health-poller";

/** How a backend with these settings is probed at `url`. */
export function probeTarget(url: string, settings: BackendSettings): ProbeTarget {
  return {
    url,
    timeoutMs: settings.probeTimeoutMs,
    connectTimeoutMs: settings.probeConnectTimeoutMs,
    statuses: settings.probeStatuses,
    ...(settings.probeHeaders !== undefined && { headers: settings.probeHeaders }),
  };
}

/** Readiness URL of a backend with an `upstream`. */
export function upstreamUrl({ upstream, health = "/" }: BackendSettings): string | undefined {
  return upstream === undefined ? undefined : upstream.replace(/\/+$/, "") + health;
}

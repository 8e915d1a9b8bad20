import type { BackendSettings } from "@kong-serverless/config";
import type { ProbeTarget } from "@kong-serverless/health-poller";

/** How a backend with these settings is asked at `url`. */
export function probeTarget(url: string, settings: BackendSettings): ProbeTarget {
  return {
    url,
    timeoutMs: settings.probeTimeoutMs,
    connectTimeoutMs: settings.probeConnectTimeoutMs,
    statuses: settings.probeStatuses,
    ...(settings.probeHeaders !== undefined && { headers: settings.probeHeaders }),
  };
}

/** How a backend is asked that names its own address; undefined for one that does not. */
export function upstreamTarget(settings: BackendSettings): ProbeTarget | undefined {
  const { upstream, health = "/" } = settings;
  return upstream === undefined ? undefined : probeTarget(upstream.replace(/\/+$/, "") + health, settings);
}

import { type GatewayPod, podOfValues } from "./gateway-pod.ts";
import type { GatewayValues, ReplacedItem } from "./gateway-values.ts";
import { Place } from "./place.ts";

/** What the rest of the system has to know of the gateway, which a Helm chart brings. */
export interface GatewaySettings {
  /** Pods at most. */
  readonly replicas: number;
  /** Kong's time limit for a read from its plugin server, in seconds. */
  readonly readTimeoutSeconds: number;
  /** Kong's `lua_check_client_abort`, where it is set. */
  readonly clientAbort: Place;
  /** Seconds that a pod has for its end; undefined where that is not known. */
  readonly graceSeconds: number | undefined;
  /** `dapr.io/app-id` of its pods; undefined where it is not known. */
  readonly appId: string | undefined;
  /** What the chart's values make; undefined where there are none. */
  readonly pod: GatewayPod | undefined;
  /** What one file of values has lost to another. */
  readonly replaced: readonly ReplacedItem[];
}

/** OpenResty's default for reads of cosockets, which is what Kong talks to its plugin server by. */
const defaultReadTimeoutSeconds = 60;
/** The chart's, which is Kubernetes' own. */
const defaultGraceSeconds = 30;
/** What staging runs; more than one is what the rules must hold for. */
const assumedReplicas = 2;

const noValues: GatewayValues = { values: new Place(undefined, []), replaced: [] };

/** Reads the values of the Helm chart kong/kong, or of kong/ingress, which has them below `gateway`. */
export function readGateway({ values, replaced }: GatewayValues = noValues): GatewaySettings {
  const chart = values.at("gateway").exists ? values.at("gateway") : values;
  const replicas = chart.at("autoscaling", "enabled").value
    ? chart.at("autoscaling", "maxReplicas").number
    : chart.at("replicaCount").number;
  return {
    replicas: replicas ?? assumedReplicas,
    readTimeoutSeconds:
      seconds(chart.at("env", "nginx_proxy_lua_socket_read_timeout")) ?? defaultReadTimeoutSeconds,
    clientAbort: chart.at("env", "nginx_proxy_lua_check_client_abort"),
    graceSeconds: values.exists
      ? (chart.at("terminationGracePeriodSeconds").number ?? defaultGraceSeconds)
      : undefined,
    appId: chart.at("podAnnotations", "dapr.io/app-id").text,
    pod: values.exists ? podOfValues(chart) : undefined,
    replaced,
  };
}

/** An nginx time: `90`, `90s`, `2m`, `500ms`. */
function seconds(place: Place): number | undefined {
  if (place.number !== undefined) return place.number;
  const [, amount, unit = "s"] = /^(\d+)(ms|s|m|h)?$/.exec(place.text ?? "") ?? [];
  const factors: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };
  return amount === undefined ? undefined : Number(amount) * (factors[unit] ?? 1);
}

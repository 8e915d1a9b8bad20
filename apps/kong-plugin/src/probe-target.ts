import { isIPv6 } from "node:net";

import { ServerlessError } from "@kong-serverless/runtime";

import { isBelow } from "./path-prefix.ts";

/** Where Kong would forward a request to. */
export interface RouterMatch {
  readonly service: MatchedService | undefined;
  readonly route: MatchedRoute | undefined;
}

interface MatchedService {
  readonly protocol?: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly path?: string | undefined;
}

interface MatchedRoute {
  readonly paths?: readonly string[] | undefined;
  readonly strip_path?: boolean | undefined;
  readonly preserve_host?: boolean | undefined;
}

const schemes: Readonly<Record<string, string>> = { http: "http", https: "https", ws: "http", wss: "https" };

/**
 * Where Kong would forward a request for `target` + `health` on this route: the readiness URL of a backend without an
 * `upstream`. Fails with PROBE_TARGET_UNKNOWN. Nothing in it comes from the client.
 */
export function serviceUrl(
  { service, route }: RouterMatch,
  { target = "", health }: { readonly target?: string; readonly health: string },
): string {
  if (service === undefined) throw unknown("the route has no service");
  const scheme = schemes[service.protocol ?? "http"];
  if (scheme === undefined) throw unknown(`its protocol is ${service.protocol}`);
  const below = stripped(target.replace(/\/+$/, ""), route);
  const base = (service.path ?? "").replace(/\/+$/, "");
  return `${scheme}://${addressOf(service)}${base}${below}${health}`;
}

/** What is left of `target` once Kong has stripped the route's path (unknown for a regular expression). */
function stripped(target: string, route: MatchedRoute | undefined): string {
  if (route?.strip_path !== true) return target;
  const matched = (route.paths ?? [])
    .map((path) => path.replace(/\/+$/, ""))
    .filter((path) => isBelow(target, path))
    .toSorted((a, b) => b.length - a.length)[0];
  return target.slice(matched?.length ?? 0);
}

/**
 * Kong Ingress Controller names a service's upstream `name.namespace.port.svc`. Only Kong can resolve that; in DNS the
 * service is `name.namespace.svc`.
 * https://github.com/Kong/kubernetes-ingress-controller/blob/main/internal/dataplane/kongstate/service.go
 */
function addressOf({ host, port }: MatchedService): string {
  const [, name, namespace, servicePort] = /^([a-z0-9-]+)\.([a-z0-9-]+)\.([a-z0-9-]+)\.svc$/.exec(host) ?? [];
  // A service's host may be a bare IPv6 address; a URL needs brackets.
  if (servicePort === undefined) return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  if (!/^\d+$/.test(servicePort)) throw unknown(`its port is known by name only (${host})`);
  return `${name}.${namespace}.svc:${servicePort}`;
}

function unknown(why: string): ServerlessError {
  return new ServerlessError(
    "PROBE_TARGET_UNKNOWN",
    `The backend's readiness cannot be probed at the Kong service of its route: ${why}. Give the backend an \`upstream\`.`,
  );
}

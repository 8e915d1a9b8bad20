import type { IngressRoute } from "../manifests/cluster.ts";

/**
 * The route for a request, by the Ingress rules: a rule with the request's host before one without a host, then exact
 * paths, then the longest prefix, on path-segment boundaries.
 * https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types
 */
export function matchRoute(
  routes: readonly IngressRoute[],
  host: string,
  path: string,
): IngressRoute | undefined {
  return routes
    .filter((route) => (route.host === undefined || route.host === host) && matchesPath(route, path))
    .sort((a, b) => precedence(b) - precedence(a))[0];
}

function matchesPath({ pathType, path }: IngressRoute, requested: string): boolean {
  // Kong's own prefix for regular expressions: the ingress controller passes such a path on unchanged.
  const isExpression =
    pathType === "RegularExpression" || (pathType === "ImplementationSpecific" && path.startsWith("/~"));
  if (isExpression) return matchesExpression(path.replace(/^\/~/, ""), requested);
  // Kong's own prefixes ignore segments.
  if (pathType === "ImplementationSpecific") return requested.startsWith(path);
  if (requested === path) return true;
  if (pathType === "Exact") return false;
  const prefix = path.endsWith("/") ? path : `${path}/`;
  return requested.startsWith(prefix);
}

function matchesExpression(expression: string, requested: string): boolean {
  try {
    return new RegExp(`^(?:${expression})`).test(requested);
  } catch {
    return false;
  }
}

/** Above the length of any path. */
const aboveEveryPath = 1_000_000;

function precedence({ host, pathType, path }: IngressRoute): number {
  return (
    (host === undefined ? 0 : 2 * aboveEveryPath) + (pathType === "Exact" ? aboveEveryPath : 0) + path.length
  );
}

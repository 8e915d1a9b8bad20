import type { IncomingMessage } from "node:http";

const followed = new Set([301, 302, 303, 307, 308]);

/**
 * Where a kubelet would go next; undefined when this answer is final. A kubelet follows redirects to other paths and ports of
 * the same host, and takes a redirect to another host as the answer. Throws a TypeError for an invalid location.
 * https://github.com/kubernetes/kubernetes/blob/v1.34.4/pkg/probe/http/http.go
 */
export function redirectOf(
  { statusCode = 0, headers: { location } }: IncomingMessage,
  url: URL,
): { readonly url: URL; readonly isAbsolute: boolean } | undefined {
  if (!followed.has(statusCode) || !location) return undefined;
  const next = new URL(location, url);
  if (next.hostname !== url.hostname) return undefined;
  return { url: next, isAbsolute: URL.canParse(location) };
}

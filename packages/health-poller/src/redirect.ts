import type { IncomingMessage } from "node:http";

const followed = new Set([301, 302, 303, 307, 308]);

/**
 * Where a kubelet would ask next, or undefined when this answer is the last: it follows redirects to other paths and ports
 * of the host that it was told to ask, and takes one to another host as an answer.
 * Throws a TypeError when the location cannot be read.
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

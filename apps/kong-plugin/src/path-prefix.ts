/** Whether `path` is `prefix` or lies below it: `/kong` covers `/kong` and `/kong/x`, but not `/kongfoo`. */
export function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || prefix.endsWith("/") || path[prefix.length] === "/";
}

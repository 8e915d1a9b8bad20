/**
 * The paths of `document` that parsing left out of `parsed`: what the playground read but does not play, and what somebody
 * misspelt.
 */
export function notHonoured(document: unknown, parsed: unknown, path = ""): string[] {
  if (Array.isArray(document) && Array.isArray(parsed)) {
    return document.flatMap((item, index) => notHonoured(item, parsed[index], `${path}[${index}]`));
  }
  if (!isRecord(document) || !isRecord(parsed)) return [];
  return Object.entries(document).flatMap(([key, value]) => {
    const at = path ? `${path}.${key}` : key;
    return key in parsed ? notHonoured(value, parsed[key], at) : [at];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

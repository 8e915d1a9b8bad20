import { ConfigError } from "@kong-serverless/config";
import { z } from "zod";

/** The part of JSON Patch that components need here: https://www.rfc-editor.org/rfc/rfc6902 */
export const patchSchema = z.array(
  z.object({ op: z.literal("add"), path: z.string().startsWith("/"), value: z.unknown() }),
);

/** A copy of the document with fields set and values appended to lists. */
export function patchDocument(
  document: unknown,
  operations: z.output<typeof patchSchema>,
  source: string,
): unknown {
  const patched = structuredClone(document);
  for (const { path, value } of operations) {
    const keys = path.split("/").slice(1);
    const last = keys.pop() ?? "";
    const parent = keys.reduce<unknown>(
      (at, key) => (at as Record<string, unknown> | undefined)?.[key],
      patched,
    );
    if (Array.isArray(parent) && last === "-") parent.push(value);
    else if (typeof parent === "object" && parent !== null && !Array.isArray(parent))
      Object.assign(parent, { [last]: value });
    else
      throw new ConfigError(source, [
        `path: found "${path}"; allowed: a field of an object, or the end of a list`,
      ]);
  }
  return patched;
}

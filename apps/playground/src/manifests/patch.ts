import { ConfigError } from "@kong-serverless/config";
import { z } from "zod";

/** JSON patches as far as components need them here: https://www.rfc-editor.org/rfc/rfc6902 */
export const patchSchema = z.array(
  z.object({
    op: z.literal("add"),
    path: z.templateLiteral([z.string().startsWith("/"), "/-"]),
    value: z.unknown(),
  }),
);

/** The document with values added to the ends of its lists. The original stays as it is. */
export function patchDocument(
  document: unknown,
  operations: z.output<typeof patchSchema>,
  source: string,
): unknown {
  const patched = structuredClone(document);
  for (const { path, value } of operations) {
    const keys = path.split("/").slice(1, -1);
    const list = keys.reduce<unknown>(
      (at, key) => (at as Record<string, unknown> | undefined)?.[key],
      patched,
    );
    if (!Array.isArray(list))
      throw new ConfigError(source, [`path: found "${path}"; allowed: the end of a list`]);
    list.push(value);
  }
  return patched;
}

import type { z } from "zod";

import { parseConfig } from "./parse.ts";

/**
 * Reads a process's settings from environment variables. Variables that the schema does not name are not its business and
 * are left out; an empty variable counts as unset, as Kubernetes writes absent optional values.
 */
export function readEnvironment<Schema extends z.ZodObject>(
  schema: Schema,
  environment: NodeJS.ProcessEnv = process.env,
): z.output<Schema> {
  const known = Object.keys(schema.shape).flatMap((name) => {
    const value = environment[name];
    return value === undefined || value === "" ? [] : [[name, value]];
  });
  return parseConfig(schema, Object.fromEntries(known), "The environment");
}

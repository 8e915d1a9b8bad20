import { ServerlessError } from "@kong-serverless/runtime";
import type { z } from "zod";

const maxIssues = 20;
const maxIssueLength = 500;

/** A configuration that does not fit its schema. `issues` holds one line for each fault. */
export class ConfigError extends ServerlessError {
  readonly issues: readonly string[];

  constructor(source: string, issues: readonly string[]) {
    const shown = issues.slice(0, maxIssues).map((issue) => cut(issue));
    if (issues.length > maxIssues) shown.push(`and ${issues.length - maxIssues} more`);
    super(
      "CONFIG_INVALID",
      `${cut(source)} is not valid:\n${shown.map((issue) => `  - ${issue}`).join("\n")}`,
    );
    this.issues = shown;
  }
}

/** Messages end up in logs, and the value that was found may be very long. */
function cut(text: string): string {
  return text.length <= maxIssueLength
    ? text
    : `${text.slice(0, maxIssueLength)}... (${text.length} characters)`;
}

/**
 * Parses `value` with `schema`. Every fault becomes one line of a `ConfigError`: where it is, what was found, what is allowed.
 *
 * @param source Names the file, variable or part that the value came from, in words that lead a reader to it.
 */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  source: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError(
    source,
    result.error.issues.flatMap((issue) => describeIssue(issue, value)),
  );
}

function describeIssue(issue: z.core.$ZodIssue, root: unknown): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `${formatPath([...issue.path, key])}: unknown field`);
  }
  const path = formatPath(issue.path);
  const found = valueAt(root, issue.path);
  if (found === undefined) return [`${path}: missing (${issue.message})`];
  return [`${path}: found ${JSON.stringify(found)}; ${issue.message}`];
}

function formatPath(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "") || "(root)";
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
    root,
  );
}

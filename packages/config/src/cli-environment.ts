import { z } from "zod";

import { readEnvironment } from "./environment.ts";

const schema = z.strictObject({
  KUSTOMIZE: z
    .string()
    .optional()
    .describe(
      "Command of kustomize. Default: `kustomize`, else `kubectl kustomize`, whichever is installed.",
    ),
  AWS_ENDPOINT_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Address of a queue service other than AWS, for development and tests."),
  INIT_CWD: z
    .string()
    .optional()
    .describe(
      "The caller's directory, where relative paths start: set by a package manager that runs the command elsewhere.",
    ),
  npm_lifecycle_event: z
    .string()
    .optional()
    .describe("How a package manager started the command: INIT_CWD only counts for `kong-serverless`."),
});

/** What the operators' command reads from its environment. The AWS SDK and the Kubernetes client read their own variables. */
export type CliEnvironment = z.output<typeof schema>;

/** Reads the command's settings. Throws a ConfigError that names each variable at fault. */
export function readCliEnvironment(environment?: NodeJS.ProcessEnv): CliEnvironment {
  return readEnvironment(schema, environment);
}

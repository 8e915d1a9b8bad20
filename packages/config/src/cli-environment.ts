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
    .describe("Address of another queue service than AWS, for development and tests."),
});

/** What the operators' command reads from its environment. The AWS SDK and the Kubernetes client read their own variables. */
export type CliEnvironment = z.output<typeof schema>;

/** Reads the command's settings. Throws a ConfigError that names each variable at fault. */
export function readCliEnvironment(environment?: NodeJS.ProcessEnv): CliEnvironment {
  return readEnvironment(schema, environment);
}

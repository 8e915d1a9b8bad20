import { z } from "zod";

import { daprEndpointOf, daprFields, logLevelField, wholeNumber } from "./environment-fields.ts";
import { readEnvironment } from "./environment.ts";

export const kongPluginEnvironmentSchema = z.strictObject({
  KONG_SERVERLESS_SOCKET: z
    .string()
    .min(1)
    .default("/usr/local/kong/serverless.socket")
    .describe(
      "Path of the unix socket that Kong connects to; the default is Kong's own. At most 100 bytes or so, in a directory that exists.",
    ),
  ...daprFields,
  OPS_HOST: z
    .string()
    .default("0.0.0.0")
    .describe(
      "Address that health, metrics and `/demand/{name}` listen on: the scaler asks from outside the pod.",
    ),
  OPS_PORT: wholeNumber(0, 65_535)
    .default(8090)
    .describe("Port of the same. 0: any free one, named in the log."),
  SHUTDOWN_GRACE_SECONDS: wholeNumber(0, 3600)
    .default(25)
    .describe(
      "Seconds from SIGTERM to the exit at the latest; requests that are still held then are answered 503. Below the pod's terminationGracePeriodSeconds (30).",
    ),
  SHUTDOWN_IDLE_MS: wholeNumber(0, 600_000)
    .default(1000)
    .describe(
      "Milliseconds without a request after which a stopping server exits before that. Where Kong serves on through a preStop pause, longer than the quiet to be expected: Kong answers 500 for a server that has gone.",
    ),
  LOG_LEVEL: logLevelField,
});

/** The plugin server's settings under the names of their environment variables, with the sidecar's address worked out. */
export type KongPluginEnvironment = z.output<typeof kongPluginEnvironmentSchema> & {
  readonly daprEndpoint: string;
};

/** Reads the plugin server's settings. Throws a ConfigError that names each variable at fault. */
export function readKongPluginEnvironment(environment?: NodeJS.ProcessEnv): KongPluginEnvironment {
  const settings = readEnvironment(kongPluginEnvironmentSchema, environment);
  return { ...settings, daprEndpoint: daprEndpointOf(settings) };
}

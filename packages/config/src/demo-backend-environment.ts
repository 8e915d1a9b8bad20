import * as z from "zod";

import { daprEndpointOf, daprFields, logLevelField, wholeNumber } from "./environment-fields.ts";
import { readEnvironment } from "./environment.ts";

export const demoBackendEnvironmentSchema = z.strictObject({
  HOST: z.string().default("0.0.0.0").describe("Address to listen on; the default is all of them."),
  PORT: wholeNumber(0, 65_535)
    .default(8080)
    .describe("Port to listen on. 0: any free one, named in the log."),
  STARTUP_DELAY_MS: wholeNumber(0, 600_000)
    .default(0)
    .describe(
      "Milliseconds after the start for which readiness fails, to simulate a slow start. 0: ready at once.",
    ),
  PUBSUB_NAME: z
    .string()
    .min(1)
    .default("kong-serverless-pubsub")
    .describe("Dapr pub/sub component that jobs are published to; the default is the one in deploy/base."),
  JOBS_TOPIC: z.string().min(1).default("jobs").describe("Topic that jobs are published to."),
  BULK_JOBS_TOPIC: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Topic, with its own workers, for the jobs of a submitter that already has JOBS_PROMPT_SECONDS of work queued, so that one submitter's many jobs do not delay another's few. Absent: all jobs go to JOBS_TOPIC, first come, first served.",
    ),
  JOBS_PROMPT_SECONDS: wholeNumber(1, 86_400)
    .default(5)
    .describe(
      "With BULK_JOBS_TOPIC: seconds of work that a submitter may have on JOBS_TOPIC before its further jobs go there; the allowance refills by one second each second.",
    ),
  GATEWAY_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ""))
    .describe(
      "Base address of the gateway, as the workers reach it: they post results there. There is no default, since a wrong one would lose every result.",
    ),
  NEXT_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ""))
    .optional()
    .describe(
      "Base address of another demo backend, which `GET /chain` calls. Absent: there is no such route.",
    ),
  MAX_JOB_SECONDS: wholeNumber(1, 3600)
    .default(60)
    .describe(
      "The longest job that is accepted, in seconds. Keep it below the workers' HANDLER_TIMEOUT_SECONDS (300), which would end it.",
    ),
  JOBS_WORK_SECONDS: wholeNumber(1, 86_400)
    .default(120)
    .describe(
      "Seconds of work that one submitter may queue at once; the allowance refills by one second each second. A submitter is an address, which the gateway reports in `x-real-ip`.",
    ),
  PUBLISH_TIMEOUT_MS: wholeNumber(1, 60_000)
    .default(5000)
    .describe("Milliseconds that publishing a job may take. Keep it below a gateway's usual 60 s."),
  SIDECAR_WAIT_SECONDS: wholeNumber(0, 600)
    .default(60)
    .describe(
      "Seconds to look for the Dapr sidecar at the start before reporting it missing. Only jobs need it, so nothing waits. 0: do not look.",
    ),
  SHUTDOWN_GRACE_SECONDS: wholeNumber(0, 3600)
    .default(20)
    .describe(
      "Seconds that open requests have after SIGTERM. Keep it, with the preStop pause (5), below the pod's terminationGracePeriodSeconds (30). 0: cut them off at once.",
    ),
  ...daprFields,
  LOG_LEVEL: logLevelField,
});

/** The demo backend's settings under the names of their environment variables, with the sidecar's address worked out. */
export type DemoBackendEnvironment = z.output<typeof demoBackendEnvironmentSchema> & {
  readonly daprEndpoint: string;
};

/** Reads the demo backend's settings. Throws a ConfigError that names each variable at fault. */
export function readDemoBackendEnvironment(environment?: NodeJS.ProcessEnv): DemoBackendEnvironment {
  const settings = readEnvironment(demoBackendEnvironmentSchema, environment);
  return { ...settings, daprEndpoint: daprEndpointOf(settings) };
}

import { z } from "zod";

import { ConfigError } from "./parse.ts";

const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;

/** OpenTelemetry's standard variables, as far as they concern traces: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
export const tracesFields = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      "Base address that traces are exported to, by OTLP over HTTP with JSON; `/v1/traces` is appended. Without this and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT nothing is traced.",
    ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Full address that traces are exported to; takes precedence."),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .optional()
    .describe("Headers of the export, `name=value` separated by commas, percent-encoded."),
  OTEL_SERVICE_NAME: z.string().default("kong-serverless").describe("The service name in spans."),
  OTEL_RESOURCE_ATTRIBUTES: z
    .string()
    .optional()
    .describe("Further attributes of all spans, in the same format as the headers."),
  OTEL_TRACES_SAMPLER: z
    .enum(samplers)
    .default("parentbased_always_on")
    .describe(
      "Which requests are traced. The default follows Kong's own tracing and, without it, traces all.",
    ),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0(\.\d+)?|1(\.0+)?)$/, "expected a share from 0 to 1")
    .default("1")
    .describe("The ratio for `traceidratio`, from 0 to 1."),
  OTEL_SDK_DISABLED: z.enum(["true", "false"]).default("false").describe("`true`: nothing is traced."),
};

/** The variables that are set, for a process that another one starts. */
export function tracesVariables(environment: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const names = Object.keys(tracesFields);
  return Object.fromEntries(
    names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}

export interface TracesSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: (typeof samplers)[number];
  readonly share: number;
}

/** Where traces go and which are made; undefined: none. Throws a ConfigError. */
export function tracesSettingsOf(
  settings: z.output<z.ZodObject<typeof tracesFields>>,
): TracesSettings | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whole } = settings;
  const url = whole ?? (base && `${base.replace(/\/+$/, "")}/v1/traces`);
  if (url === undefined || settings.OTEL_SDK_DISABLED === "true") return undefined;
  return {
    url,
    headers: readPairs("OTEL_EXPORTER_OTLP_HEADERS", settings.OTEL_EXPORTER_OTLP_HEADERS),
    resource: {
      ...readPairs("OTEL_RESOURCE_ATTRIBUTES", settings.OTEL_RESOURCE_ATTRIBUTES),
      "service.name": settings.OTEL_SERVICE_NAME,
    },
    sampler: settings.OTEL_TRACES_SAMPLER,
    share: Number(settings.OTEL_TRACES_SAMPLER_ARG),
  };
}

function readPairs(variable: string, text = ""): Record<string, string> {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^\s*([^=\s]+)\s*=(.*)$/.exec(pair) ?? [];
      try {
        if (name !== undefined && value !== undefined)
          return [decodeURIComponent(name), decodeURIComponent(value.trim())];
      } catch {
        // Reported below, without the value: it may be a secret.
      }
      throw new ConfigError("The environment", [`${variable}: expected name=value, separated by commas`]);
    }),
  );
}

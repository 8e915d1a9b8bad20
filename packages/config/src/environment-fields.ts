import { logLevels } from "@kong-serverless/runtime";
import * as z from "zod";

/** Fields that several apps' environments share. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "expected a whole number")
    .transform(Number)
    .pipe(z.int().min(min).max(max));

export const logLevelField = z
  .enum(logLevels)
  .default("info")
  .describe("The least severe events that are logged; `silent`: none.");

export const daprFields = {
  DAPR_HTTP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Address of the Dapr sidecar's HTTP API. Takes precedence over DAPR_HTTP_PORT."),
  DAPR_HTTP_PORT: wholeNumber(1, 65_535)
    .default(3500)
    .describe(
      "Port of the Dapr sidecar's HTTP API on 127.0.0.1; 3500 is daprd's default. Dapr's injector sets it.",
    ),
  DAPR_API_TOKEN: z
    .string()
    .optional()
    .describe("Token that the sidecar requires with each request, if any. Dapr's injector sets it."),
};

/** Base address of the Dapr sidecar's HTTP API. */
export function daprEndpointOf(settings: {
  DAPR_HTTP_ENDPOINT?: string | undefined;
  DAPR_HTTP_PORT: number;
}) {
  return settings.DAPR_HTTP_ENDPOINT ?? `http://127.0.0.1:${settings.DAPR_HTTP_PORT}`;
}

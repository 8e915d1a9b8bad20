import { dirname, join } from "node:path";

import { z } from "zod";

import { daprEndpointOf, daprFields, logLevelField, wholeNumber } from "./environment-fields.ts";
import { readEnvironment } from "./environment.ts";
import { tracesFields, type TracesSettings, tracesSettingsOf } from "./traces-environment.ts";

const addressList = z
  .string()
  .transform((text) => text.split(",").map((address) => address.trim()))
  .pipe(
    z.array(
      z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^:,\s]+):\d{1,5}$/, "allowed: host:port, separated by commas"),
    ),
  );

/** Settings that require another one. */
const companions = [
  ["SCALER_PEERS", "SCALER_PORT"],
  ["SCALER_TLS_CERT_FILE", "SCALER_PORT"],
  ["SCALER_TLS_CERT_FILE", "SCALER_TLS_KEY_FILE"],
  ["SCALER_TLS_KEY_FILE", "SCALER_TLS_CERT_FILE"],
  ["SCALER_TLS_CA_FILE", "SCALER_TLS_CERT_FILE"],
] as const;

export const kongPluginEnvironmentSchema = z
  .strictObject({
    KONG_SERVERLESS_SOCKET: z
      .string()
      .min(1)
      .default("/usr/local/kong/serverless.socket")
      .describe(
        "Path of the unix socket that Kong connects to; the default is Kong's own. At most about 100 bytes, in an existing directory.",
      ),
    KONG_SERVERLESS_HTTP_SOCKET: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Path of the unix socket that the Lua form of the plugin connects to; Kong needs the same variable. Default: serverless-http.socket next to the other.",
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
      .describe("Port of that address. 0: any free one, named in the log."),
    SCALER_PORT: wholeNumber(0, 65_535)
      .optional()
      .describe(
        "Port of the external scaler that KEDA's `external-push` triggers listen at (gRPC): a wake scales at once. Unset: no scaler, and none of its code is loaded. 0: any free one, named in the log.",
      ),
    SCALER_HOST: z.string().default("0.0.0.0").describe("Address that the scaler listens on."),
    SCALER_PEERS: addressList
      .optional()
      .describe(
        "`host:port` of the scalers of all pods of the gateway, separated by commas; a name may resolve to many addresses, like a headless Service's. KEDA listens to one pod: the others forward wakes to it and report their demand.",
      ),
    SCALER_TLS_CERT_FILE: z
      .string()
      .min(1)
      .optional()
      .describe(
        "PEM file of the scaler's certificate, with SCALER_TLS_KEY_FILE: plaintext is then refused. Read once, at the start. Peers verify it by the names in SCALER_PEERS.",
      ),
    SCALER_TLS_KEY_FILE: z.string().min(1).optional().describe("PEM file of the certificate's private key."),
    SCALER_TLS_CA_FILE: z
      .string()
      .min(1)
      .optional()
      .describe(
        "PEM file of the authority that must have issued the certificates of KEDA and peers (mutual TLS). Unset: anything that the network lets through may call.",
      ),
    PROBES_PER_SECOND: wholeNumber(1, 100_000)
      .default(1000)
      .describe(
        "Readiness probes that may be started in a second, for all starting backends together; 1000 cost about a fifth of a core. They are enough for 20 backends at an `interval` of 20 ms; with more, the intervals grow, least for a backend that usually becomes ready about now.",
      ),
    WAITING_PAGE: z
      .string()
      .regex(
        /^(\/|https?:\/\/(?![^/]*@))\S+$/,
        "expected an absolute path or an http(s) URL without credentials",
      )
      .optional()
      .describe(
        "Absolute path of a file, or http(s) URL, with the template of the waiting page; Kong's answer has it where `waitingPageAfterMs` is set. Placeholders, escaped as HTML text: `{{backend}}`, `{{path}}`, `{{retryAfter}}` (such as `3 seconds`) and `{{retryAfterSeconds}}`. At most 64 KiB of UTF-8, read at the start and once a minute, within 5 s and without redirects; while it cannot be read, the last one is sent. Unset: the built-in page.",
      ),
    ENDPOINTSLICE_NAMESPACES: z
      .string()
      .regex(/^[a-z0-9-]+(\s*,\s*[a-z0-9-]+){0,99}$/, "expected up to 100 namespaces, separated by commas")
      .transform((namespaces) => namespaces.split(/\s*,\s*/))
      .optional()
      .describe(
        "Namespaces, separated by commas, whose EndpointSlices are watched: the pods of a sleeping backend there are probed directly and get the held requests before Kubernetes has noticed that they are ready (deploy/components/pod-probes). Unset: none, and none of this code is loaded.",
      ),
    KUBERNETES_API_URL: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe(
        "Address of the API server, in development: `kubectl proxy` has one. Default: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.",
      ),
    KUBERNETES_SERVICE_HOST: z
      .string()
      .min(1)
      .default("kubernetes.default.svc")
      .describe("Host of the cluster's API server. Kubernetes sets it in every container."),
    KUBERNETES_SERVICE_PORT: wholeNumber(1, 65_535)
      .default(443)
      .describe("Port of the API server. Kubernetes sets it too."),
    KUBERNETES_ACCOUNT_FOLDER: z
      .string()
      .min(1)
      .default("/var/run/secrets/kubernetes.io/serviceaccount")
      .describe("Where the service account is mounted, as `token` and `ca.crt`."),
    SHUTDOWN_GRACE_SECONDS: wholeNumber(0, 3600)
      .default(25)
      .describe(
        "Maximum seconds from SIGTERM to the exit; requests still held at the end are answered 503. Keep it below the pod's terminationGracePeriodSeconds (30).",
      ),
    SHUTDOWN_IDLE_MS: wholeNumber(0, 600_000)
      .default(1000)
      .describe(
        "Milliseconds without a request after which a stopping server exits early. Where Kong keeps serving during a preStop pause, make it longer than the expected gaps between requests: without the server, Kong answers 500.",
      ),
    ...tracesFields,
    LOG_LEVEL: logLevelField,
  })
  .superRefine((settings, context) => {
    for (const [name, other] of companions) {
      if (settings[name] === undefined || settings[other] !== undefined) continue;
      context.addIssue({ code: "custom", path: [other], message: `${name} needs it` });
    }
  });

/** The plugin server's settings under the names of their environment variables, with derived values. */
export type KongPluginEnvironment = z.output<typeof kongPluginEnvironmentSchema> & {
  readonly daprEndpoint: string;
  readonly httpSocketPath: string;
  readonly kubernetesApiUrl: string;
  /** Where traces go; undefined: nothing is traced. */
  readonly traces: TracesSettings | undefined;
};

/** Reads the plugin server's settings. Throws a ConfigError that names each variable at fault. */
export function readKongPluginEnvironment(environment?: NodeJS.ProcessEnv): KongPluginEnvironment {
  const settings = readEnvironment(kongPluginEnvironmentSchema, environment);
  const { KONG_SERVERLESS_SOCKET: socketPath, KONG_SERVERLESS_HTTP_SOCKET: httpSocketPath } = settings;
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = settings;
  return {
    ...settings,
    daprEndpoint: daprEndpointOf(settings),
    traces: tracesSettingsOf(settings),
    httpSocketPath: httpSocketPath ?? join(dirname(socketPath), "serverless-http.socket"),
    kubernetesApiUrl:
      settings.KUBERNETES_API_URL ?? `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
  };
}

import { z } from "zod";

export const dnsLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const hostPattern = /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** Kong's patterns are Lua's, so each regular expression that Kong should know too has a translation beside it. */
const kongDnsLabel = { match: "^[a-z0-9][a-z0-9-]*$", not_match: "-$", len_max: 63 };
const kongHost = {
  match: "^[a-z0-9*][a-z0-9.-]*$",
  match_none: [
    { pattern: "^%*[^.]", err: "a wildcard must be a whole label" },
    { pattern: "^%*%.?$", err: "a wildcard needs a domain" },
    { pattern: "%.[.-]", err: "must be a host name" },
    { pattern: "-%.", err: "must be a host name" },
    { pattern: "[.-]$", err: "must be a host name" },
  ],
};
export const absolutePath = z
  .string()
  .max(1024)
  .regex(/^\/[^?#\s]*$/, 'must be a path that starts with "/", without a query')
  .meta({ kong: { match: "^/[^?#%s]*$" } });

/** Rules across fields, for Kong. What decides is what the plugin itself finds: see resolve-backend.ts. */
const kongBackendChecks = [
  { at_least_one_of: ["name", "topic"] },
  { mutually_required: ["pubsub", "topic"] },
  { at_least_one_of: ["health", "topic"] },
  {
    conditional: {
      if_field: "upstream",
      if_match: { required: true },
      then_field: "health",
      then_match: { required: true },
    },
  },
  {
    // No text fits `not_match`, so that this is about a backend without a name.
    conditional: {
      if_field: "name",
      if_match: { not_match: "." },
      then_field: "topic",
      then_match: kongDnsLabel,
      then_err: "a topic that is no DNS label cannot stand in for the name",
    },
  },
];

const backendName = z
  .string()
  .regex(dnsLabel, "must be a DNS label: at most 63 of a-z, 0-9 and -, no - at either end")
  .meta({ kong: kongDnsLabel });
const backendNames = z.array(backendName).min(1).max(16).optional();

/** One backend of the plugin, as an operator writes it. */
export const backendSchema = z
  .strictObject({
    name: backendName
      .optional()
      .describe(
        "Identifies the backend in logs, metrics and `/demand/{name}`, across all routes and nginx workers of the gateway. Default: its `topic`. The same name with other settings is an error.",
      ),
    target: absolutePath
      .optional()
      .describe(
        "Path prefix of the requests for this backend, on segment boundaries: `/kong` matches `/kong/x`, not `/kongfoo`. The longest match among all backends wins. Absent: every path.",
      ),
    hosts: z
      .array(
        z
          .string()
          .max(253)
          .regex(hostPattern, "must be a host name in lower case, optionally with a leading *.")
          .meta({ kong: kongHost }),
      )
      .min(1)
      .max(64)
      .optional()
      .describe(
        "Host names of the requests for this backend; `*.example.com` matches every name below example.com. Absent: every host.",
      ),
    upstream: z
      .url({
        protocol: /^https?$/,
        error: "must be an address such as http://name.namespace.svc:8080",
      })
      .max(1024)
      .regex(/^[^?#@]*$/, "must have neither a query nor credentials")
      .meta({ kong: { match: "^https?://[^?#@%s]+$" } })
      .optional()
      .describe(
        "Address at which the backend itself is probed; `health` is appended. Absent: the Kong service of the held request, with `health` below `target`. Never the gateway's own address. As with a kubelet, the certificate of an https address is not verified: put no secret into `probeHeaders` there.",
      ),
    health: absolutePath
      .optional()
      .describe(
        "Path of the readiness URL. Absent: the wake message is sent, but no request is held, and Kong proxies at once.",
      ),
    pubsub: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe(
        "Dapr pub/sub component for the wake messages. Requires `topic`; without both, the scaler must watch `/demand/{name}`.",
      ),
    topic: z.string().min(1).max(256).optional().describe("Topic of the wake messages."),
    alsoWake: backendNames.describe(
      "Names of backends that are woken together with this one and kept warm while it is in use; so are the backends that they name in turn. They may be configured in this plugin or in another one in the same gateway. Cycles are refused.",
    ),
    waitFor: backendNames.describe(
      "Like `alsoWake`, but requests are also held until these backends are ready, each by its own probe and all within this backend's `holdTimeoutMs`. Each needs `health` and `upstream`. When one of them is lost, requests are held again.",
    ),
    routed: z
      .boolean()
      .optional()
      .describe(
        "false: no request matches this backend. It is woken only by backends that name it in `alsoWake` or `waitFor`. Default: true.",
      ),
  })
  .meta({ kong: { entity_checks: kongBackendChecks } });

export type BackendInput = z.output<typeof backendSchema>;

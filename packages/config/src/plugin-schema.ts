import { z } from "zod";

import { absolutePath, backendSchema } from "./backend-schema.ts";

const milliseconds = (min: number, max: number) => z.int().min(min).max(max);
const hour = 3_600_000;

/**
 * The plugin's configuration as an operator writes it. Defaults stand here only where they depend on nothing else: Kong
 * writes them into the stored configuration, where a derived one (`holdTimeoutMs`) could not be told from a given one.
 */
export const pluginSchema = z.strictObject({
  count: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe(
      "Maximum number of probes, taken as a time: `count` times `interval` limits the hold unless `holdTimeoutMs` is given.",
    ),
  interval: milliseconds(5, 60_000)
    .optional()
    .describe(
      "Milliseconds from one readiness probe of a starting backend to the next, whether or not it has been answered by then (at most 4 are in progress). Default: 20, or 100 when `count` is given. One probe loop serves all held requests. The interval grows when many backends start at once, see `PROBES_PER_SECOND`.",
    ),
  holdTimeoutMs: milliseconds(100, hour)
    .optional()
    .describe(
      "Milliseconds, from its arrival, for which a request is held before it is answered 503. Default: `count` times `interval`, or 60000 without `count`.",
    ),
  keepWarmIntervalMs: milliseconds(0, hour)
    .default(20_000)
    .describe(
      "Milliseconds between wake messages while requests keep coming or are in flight. With the scaler's polling interval it must stay below the wake queue's retention (60 s), and 20000 leaves room for a lost message. 0: none.",
    ),
  wakeRepeatMs: milliseconds(100, hour)
    .default(5000)
    .describe(
      "Milliseconds after which (or up to a fifth later) the wake message is repeated while a request is held, in case it was lost. Also the longest pause between tries of a failing publish.",
    ),
  readyLeaseMs: milliseconds(50, 600_000)
    .default(2000)
    .describe(
      "Milliseconds for which a ready answer counts. Under traffic it is renewed in the background; after a longer pause the next request waits for one probe. Limits how long a dead backend goes unnoticed.",
    ),
  publishTimeoutMs: milliseconds(50, 60_000)
    .default(2000)
    .describe("Milliseconds after which a publish that the Dapr sidecar has not answered counts as failed."),
  probeTimeoutMs: milliseconds(10, 60_000)
    .default(1000)
    .describe(
      "Milliseconds after which a readiness probe without an answer counts as not ready. 1000 is a kubelet's default.",
    ),
  probeConnectTimeoutMs: milliseconds(10, 60_000)
    .default(100)
    .describe(
      "Milliseconds that a readiness probe may take to connect to an address. Otherwise a probe whose first packet is lost would wait a second for TCP to resend it. Raise it if connecting to the backend takes longer.",
    ),
  probeStatuses: z
    .strictObject({
      min: z.int().min(100).max(599).default(200).describe("Lowest status code that means ready."),
      max: z.int().min(100).max(599).default(399).describe("Highest status code that means ready."),
    })
    .prefault({})
    .describe(
      "Status codes of a readiness probe that mean ready, inclusive. The default is a kubelet's. Redirects on the same host are followed; one to another host counts as the answer.",
    ),
  probeHeaders: z
    .record(
      z
        .string()
        .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "must be a header name")
        .max(256)
        .meta({ kong: { match: "^[!#$%%&'*+.^_`|~0-9A-Za-z-]+$" } }),
      // Not with `match`, whose message would show a value that may be a secret.
      z.string().meta({
        kong: { match_all: [{ pattern: "^[\t -~]*$", err: "must be printable ASCII" }], len_max: 4096 },
      }),
    )
    .optional()
    .describe("Headers that readiness probes carry, for instance `Host`. They are not written to logs."),
  inFlightMaxSeconds: z
    .int()
    .min(0)
    .max(604_800)
    .default(3600)
    .describe(
      "Seconds after which a request without a recorded end no longer counts as in flight: Kong drops events when it is overloaded. Must exceed the longest request. 0: never. The Lua form of the plugin records every end and needs no limit.",
    ),
  maxHeldPerBackend: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe(
      "Maximum number of requests held at once for one backend; further ones are answered 503. About 32 kB each.",
    ),
  maxHeldTotal: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe(
      "Maximum number of requests held at once for all backends of the gateway. No backend may hold more than are still free: a single one holds at most half, and however many are flooded, there is room for another.",
    ),
  releaseConcurrency: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(100)
    .describe(
      "Held requests that are released at once when the backend becomes ready: as many as one replica can take. The others follow as these end; if all are still open after five seconds, the same number is released again. The scaler's target of requests per replica is a good value. 0: all at once.",
    ),
  maxActivations: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1000)
    .describe(
      "Backends that the gateway may be starting at the same time; requests for more are answered 503. Keeps a scan of host names from waking everything. 0: no limit.",
    ),
  maxHeldPerClient: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe(
      "Maximum number of one client's requests held at the same time; more are answered 429. A client is a Kong consumer or, without one, the client address that Kong sees; an IPv6 address counts as its /64 network. 0: no limit.",
    ),
  maxColdStartsPerClient: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe(
      "Sleeping backends that one client may wake in a minute; requests for more are answered 429. 0: no limit.",
    ),
  waitingPageAfterMs: milliseconds(0, hour)
    .default(0)
    .describe(
      "Milliseconds after which a held browser navigation (GET or HEAD with `Accept: text/html`) is answered 503 with a waiting page that reloads itself. 0: no page; the navigation is held like any other request.",
    ),
  wakeExceptions: z
    .strictObject({
      userAgents: z
        .array(z.string().min(1).max(256))
        .max(100)
        .default(["ELB-HealthChecker", "GoogleHC", "kube-probe"])
        .describe(
          "Substrings of a `User-Agent`, case-insensitive. The default covers the health checks of load balancers and Kubernetes.",
        ),
      paths: z.array(absolutePath).max(100).default([]).describe("Path prefixes on segment boundaries."),
    })
    .prefault({})
    .describe(
      "Requests that do not wake a sleeping backend: they are answered 503 with `Retry-After` until another request has woken it.",
    ),
  backend: z
    .array(backendSchema)
    .min(1)
    .max(256)
    .describe(
      "The backends behind the plugin. One without `target` and `hosts` gets the requests that match no other.",
    ),
});

export type PluginInput = z.output<typeof pluginSchema>;

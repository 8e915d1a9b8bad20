import { ConsumerMetrics } from "../../apps/consumer/src/metrics.ts";
import { Metrics } from "../../apps/kong-plugin/src/metrics.ts";
import { Activator, type ActivatorEvent } from "../../packages/activator/src/index.ts";
import { parsePluginConfig } from "../../packages/config/src/index.ts";
import { errorCodes, type ErrorCodeName, parseSamples } from "../../packages/runtime/src/index.ts";
import type { classify, QueueOperation, SqsOperation } from "../../packages/sqs-worker/src/index.ts";

/** Values by label, by the name of a series: `serverless_hold_seconds_bucket`, not `serverless_hold_seconds`. */
export type ExportedSeries = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

const backend = "orders";
const operations: readonly QueueOperation[] = ["receive", "delete", "change visibility"];
const sqsOperations: readonly SqsOperation[] = [
  "ReceiveMessage",
  "DeleteMessageBatch",
  "ChangeMessageVisibilityBatch",
  "GetQueueAttributes",
  "GetQueueUrl",
];
const states: readonly ReturnType<typeof classify>[] = [
  "missing",
  "denied",
  "unauthenticated",
  "throttled",
  "unreachable",
  "failing",
  "internal",
];
const codes = Object.keys(errorCodes) as ErrorCodeName[];

/** Every event of the activator, with every value that becomes a label. A new event does not compile until it is here. */
const events = {
  "request.held": [{ backend, event: "request.held", held: 1 }],
  "activation.started": [{ backend, event: "activation.started" }],
  "wake.started": [{ backend, event: "wake.started", reason: "activation" }],
  "wake.published": (["activation", "repeat", "keep-warm"] as const).map((reason) => ({
    backend,
    event: "wake.published",
    reason,
    durationMs: 1,
  })),
  "wake.failed": (["activation", "repeat", "keep-warm"] as const).map((reason) => ({
    backend,
    event: "wake.failed",
    reason,
    error: new Error("failed"),
  })),
  "activation.pod_answered": [
    { backend, event: "activation.pod_answered", pod: "10.0.0.1", waitedMs: 1, held: 1 },
  ],
  "activation.ready": [1, 2].map((probes) => ({
    backend,
    event: "activation.ready",
    waitedMs: 1,
    probes,
    held: 1,
  })),
  "activation.failed": [
    { backend, event: "activation.failed", code: "NOT_READY_IN_TIME", waitedMs: 1, probes: 1 },
  ],
  "probe.answered": (["activation", "lease"] as const).map((reason) => ({
    backend,
    event: "probe.answered",
    reason,
    result: { isReady: true, durationMs: 1 },
  })),
  "chain.broken": [{ backend, event: "chain.broken", chained: "other", cause: "unknown" }],
  "lease.lost": (["probe", "proxy", "chain"] as const).map((cause) => ({
    backend,
    event: "lease.lost",
    cause,
  })),
  "in_flight.written_off": [{ backend, event: "in_flight.written_off", inFlight: 1 }],
  "settings.replaced": [{ backend, event: "settings.replaced" }],
  // It takes away what was counted.
  "backend.forgotten": [],
} satisfies { readonly [Event in ActivatorEvent["event"]]: readonly (ActivatorEvent & { event: Event })[] };

/** What both apps show at `/metrics` once everything that they count has happened. */
export async function exportedSeries(): Promise<ExportedSeries> {
  const expositions = [await pluginMetrics().registry.metrics(), await consumerMetrics().registry.metrics()];
  return readSeries(expositions.join("\n"));
}

function pluginMetrics(): Metrics {
  const metrics = new Metrics();
  const activator = new Activator({
    publishWake: () => Promise.resolve(),
    probe: () => Promise.resolve({ isReady: true, durationMs: 1 }),
    observe: () => {},
  });
  for (const { settings } of parsePluginConfig({ backend: [{ name: backend, health: "/" }] }, "test")
    .backends) {
    activator.register(settings, { key: "test", seq: 1 });
  }
  metrics.watch(() => activator.backends);
  metrics.configurationRefused("CONFIG_REFUSED");
  metrics.watchNamespaces(() => [{ namespace: "shop", isCurrent: true }]);
  const requests = metrics.requestsOf(backend);
  requests.warm.inc();
  requests.left.inc();
  for (const probes of [1, 2]) requests.held({ waitedMs: 1, probes });
  for (const code of codes) requests.refused(code);
  for (const event of Object.values<readonly ActivatorEvent[]>(events).flat()) metrics.observe(event);
  return metrics;
}

function consumerMetrics(): ConsumerMetrics {
  const metrics = new ConsumerMetrics();
  metrics.watch({
    inProgress: 1,
    oldestSentAt: undefined,
    abandoned: 0,
    notReady: () => [],
    notAlive: () => [],
    blame: () => undefined,
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  });
  metrics.handled(1);
  for (const operation of sqsOperations) {
    metrics.requestSent(operation);
    metrics.callAbandoned(operation);
  }
  for (const code of codes) metrics.failed(code, 1);
  for (const operation of operations) {
    for (const state of states) metrics.callFailed(operation, state);
  }
  return metrics;
}

function readSeries(exposition: string): ExportedSeries {
  const series = new Map<string, Map<string, Set<string>>>();
  for (const { name, labels } of parseSamples(exposition)) {
    const valuesByLabel = series.get(name) ?? new Map<string, Set<string>>();
    series.set(name, valuesByLabel);
    for (const [label, value] of Object.entries(labels)) {
      valuesByLabel.set(label, (valuesByLabel.get(label) ?? new Set()).add(value));
    }
  }
  return series;
}

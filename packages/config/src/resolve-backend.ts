import { type BackendInput, dnsLabel } from "./backend-schema.ts";
import type { PluginInput } from "./plugin-schema.ts";

/** Everything that decides how one backend is woken, probed and held. Equal names must have equal settings. */
export interface BackendSettings {
  readonly name: string;
  /** Where wake messages go; absent when the scaler watches the demand alone. */
  readonly wake?: { readonly pubsub: string; readonly topic: string };
  /** Path of the readiness URL; absent means that requests are never held. */
  readonly health?: string;
  /** Address that `health` is appended to; absent means the Kong service of the held request. */
  readonly upstream?: string;
  /** Names of backends that are woken with this one. */
  readonly alsoWake?: readonly string[];
  /** Names of backends that are woken with this one, and must be ready before a request goes on. */
  readonly waitFor?: readonly string[];
  readonly intervalMs: number;
  readonly holdTimeoutMs: number;
  /** 0: no keep-warm messages. */
  readonly keepWarmIntervalMs: number;
  readonly wakeRepeatMs: number;
  readonly readyLeaseMs: number;
  readonly publishTimeoutMs: number;
  readonly probeTimeoutMs: number;
  readonly probeConnectTimeoutMs: number;
  readonly probeStatuses: { readonly min: number; readonly max: number };
  readonly probeHeaders?: Readonly<Record<string, string>>;
  /** 0: in-flight requests are never written off. */
  readonly inFlightMaxSeconds: number;
  readonly maxHeld: number;
  /** 0: all at once. */
  readonly releaseConcurrency: number;
}

const longestHoldMs = 3_600_000;

/** Fills in what depends on other fields. Reports contradictions, each as a path below the backend and the reason. */
export function resolveBackend(
  input: PluginInput,
  backend: BackendInput,
  report: (issue: string) => void,
): BackendSettings {
  const { pubsub, topic, health, upstream, alsoWake, waitFor } = backend;
  for (const issue of backendIssues(backend)) report(issue);

  const intervalMs = input.interval ?? (input.count === undefined ? 20 : 100);
  const holdTimeoutMs =
    input.holdTimeoutMs ?? (input.count === undefined ? 60_000 : input.count * intervalMs);
  if (holdTimeoutMs > longestHoldMs) {
    report(
      `: \`count\` probes at \`interval\` take ${holdTimeoutMs} ms; at most ${longestHoldMs} are allowed`,
    );
  }
  return {
    name: backend.name ?? topic ?? "",
    ...(pubsub !== undefined && topic !== undefined && { wake: { pubsub, topic } }),
    ...(health !== undefined && { health }),
    ...(upstream !== undefined && { upstream }),
    ...(alsoWake !== undefined && { alsoWake }),
    ...(waitFor !== undefined && { waitFor }),
    intervalMs,
    holdTimeoutMs,
    keepWarmIntervalMs: input.keepWarmIntervalMs,
    wakeRepeatMs: input.wakeRepeatMs,
    readyLeaseMs: input.readyLeaseMs,
    publishTimeoutMs: input.publishTimeoutMs,
    probeTimeoutMs: input.probeTimeoutMs,
    probeConnectTimeoutMs: input.probeConnectTimeoutMs,
    probeStatuses: input.probeStatuses,
    ...(input.probeHeaders !== undefined && { probeHeaders: input.probeHeaders }),
    inFlightMaxSeconds: input.inFlightMaxSeconds,
    maxHeld: input.maxHeldPerBackend,
    releaseConcurrency: input.releaseConcurrency,
  };
}

function* backendIssues(backend: BackendInput): Generator<string> {
  const { name, pubsub, topic, health, upstream, waitFor, routed, target, hosts } = backend;
  if (name === undefined && topic === undefined) {
    yield ".name: missing (a backend without `topic` needs one)";
  } else if (name === undefined && !dnsLabel.test(topic ?? "")) {
    yield `.name: missing (the topic ${JSON.stringify(topic)} cannot stand in for it: it is not a DNS label)`;
  }
  if ((pubsub === undefined) !== (topic === undefined)) {
    yield pubsub === undefined
      ? ".pubsub: missing (`topic` is of no use without it)"
      : ".topic: missing (`pubsub` is of no use without it)";
  }
  if (health === undefined && topic === undefined) {
    yield ".health: missing (without `topic` nothing is woken, and without `health` nothing is held)";
  }
  if (upstream !== undefined && health === undefined) {
    yield ".health: missing (`upstream` is of no use without it)";
  }
  if (waitFor !== undefined && health === undefined) {
    yield ".health: missing (`waitFor` is of no use where no request is held)";
  }
  if (routed === false && (target !== undefined || hosts !== undefined)) {
    yield ".routed: found false, with a `target` or `hosts`; they say which requests are for it";
  }
}

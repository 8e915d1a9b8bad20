import { type BackendInput, dnsLabel } from "./backend-schema.ts";
import type { PluginInput } from "./plugin-schema.ts";

/** Fields of a backend that are used as given. */
const ownFields = ["health", "upstream", "alsoWake", "waitFor"] as const;
/** Fields of the plugin that apply to each of its backends as given. */
const sharedFields = [
  "keepWarmIntervalMs",
  "wakeRepeatMs",
  "readyLeaseMs",
  "publishTimeoutMs",
  "probeTimeoutMs",
  "probeConnectTimeoutMs",
  "probeStatuses",
  "probeHeaders",
  "inFlightMaxSeconds",
  "maxHeldPerBackend",
  "releaseConcurrency",
] as const;

/**
 * Everything that decides how one backend is woken, probed and held, with every default filled in; the schema describes
 * the fields. Equal names must have equal settings.
 */
export interface BackendSettings
  extends
    Readonly<Pick<BackendInput, (typeof ownFields)[number]>>,
    Readonly<Pick<PluginInput, (typeof sharedFields)[number]>> {
  readonly name: string;
  /** Where wake messages go; absent when the scaler watches the demand alone. */
  readonly wake?: { readonly pubsub: string; readonly topic: string };
  readonly intervalMs: number;
  readonly holdTimeoutMs: number;
}

const longestHoldMs = 3_600_000;

/** Fills in what depends on other fields. Reports contradictions, each as a path below the backend and the reason. */
export function resolveBackend(
  input: PluginInput,
  backend: BackendInput,
  report: (issue: string) => void,
): BackendSettings {
  const { pubsub, topic } = backend;
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
    ...pick(backend, ownFields),
    intervalMs,
    holdTimeoutMs,
    ...pick(input, sharedFields),
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

/** Absent fields stay absent. */
function pick<Fields extends object, Name extends keyof Fields>(
  fields: Fields,
  names: readonly Name[],
): Pick<Fields, Name> {
  const present = names.filter((name) => fields[name] !== undefined).map((name) => [name, fields[name]]);
  return Object.fromEntries(present) as Pick<Fields, Name>;
}

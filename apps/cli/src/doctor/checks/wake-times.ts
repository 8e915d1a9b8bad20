import { title } from "../../manifests/manifests.ts";
import type { Backend } from "../../system/backend.ts";
import { demandWatches, scalersOf, type System, wakeWatches } from "../../system/system.ts";
import { wakeRetentionSeconds } from "../../system/wake-retention.ts";
import { type Finding, finding } from "../finding.ts";

/** KEDA's default, messages for each replica. */
const defaultQueueLength = 5;
/** Kept by the plugin server, whatever its configuration. */
const heartbeatSeconds = 15;
const slowPollingSeconds = 5;

/** The wake trigger never asks for a second replica: architecture.md, "a cold start", step 4. */
export function* wakeTriggersOnlyWake(system: System): Generator<Finding> {
  const { replicas } = system.gateway;
  for (const backend of system.backends) {
    const { keepWarmIntervalMs, holdTimeoutMs, wakeRepeatMs, name } = backend.settings;
    for (const { scaler, trigger } of wakeWatches(system, backend)) {
      const keepWarms =
        keepWarmIntervalMs === 0 ? 0 : (wakeRetentionSeconds(system, trigger) * 1000) / keepWarmIntervalMs;
      const most = Math.ceil(replicas * (keepWarms + holdTimeoutMs / wakeRepeatMs));
      const length = trigger.length.number ?? defaultQueueLength;
      if (length <= most) {
        const what = `${title(scaler.manifest)} asks for a replica for every ${length} messages; ${replicas} gateways can have ${most} in the wake queue of ${name}`;
        yield finding("WAKE_QUEUE_LENGTH_TOO_LOW", trigger.length, what);
      }
      const activation = trigger.activation.number ?? 0;
      if (activation > 0) {
        const what = `${title(scaler.manifest)} becomes active above ${activation} messages`;
        yield finding("WAKE_ACTIVATION_TOO_HIGH", trigger.activation, what);
      }
    }
    for (const { scaler, trigger } of demandWatches(system, backend)) {
      const activation = trigger.place.at("metadata", "activationTargetValue");
      if (backend.settings.wake !== undefined || (activation.number ?? 0) <= 0) continue;
      const what = `${title(scaler.manifest)} becomes active above a demand of ${activation.number}`;
      yield finding("WAKE_ACTIVATION_TOO_HIGH", activation, what);
    }
  }
}

/** The backend stays awake under traffic, and the gateway knows when it may not be. */
export function* backendsStayWarm(system: System): Generator<Finding> {
  for (const backend of system.backends) {
    const { keepWarmIntervalMs: keepWarmMs, readyLeaseMs, name } = backend.settings;
    const place = backend.config.at("keepWarmIntervalMs");
    for (const { scaler, trigger } of wakeWatches(system, backend)) {
      const retentionMs = wakeRetentionSeconds(system, trigger) * 1000;
      const pollingMs = scaler.pollingSeconds * 1000;
      const isKeptByDemand = demandWatches(system, backend).some((watch) => watch.scaler === scaler);
      if (keepWarmMs === 0) {
        if (isKeptByDemand) continue;
        const what = `Backend ${name} sends no keep-warm messages, and no demand trigger keeps it up`;
        yield finding("KEEP_WARM_TOO_SLOW", place, what);
        continue;
      }
      const given = `Backend ${name}: keep-warm ${keepWarmMs} ms, polling ${pollingMs} ms, retention ${retentionMs} ms`;
      if (keepWarmMs + pollingMs >= retentionMs) {
        yield finding("KEEP_WARM_TOO_SLOW", place, given);
      } else if (2 * keepWarmMs + pollingMs >= retentionMs) {
        yield finding("KEEP_WARM_WITHOUT_SPARE", place, given);
      }
      const cooldownMs = scaler.cooldownSeconds * 1000;
      if (readyLeaseMs + keepWarmMs + pollingMs >= retentionMs + cooldownMs) {
        const what = `${given}, lease ${readyLeaseMs} ms, cooldown ${cooldownMs} ms`;
        yield finding("LEASE_TOO_LONG", backend.config.at("readyLeaseMs"), what);
      }
    }
  }
}

/** A hold lasts long enough for a cold start, and no longer than Kong waits for its plugin server. */
export function* holdsFit(system: System): Generator<Finding> {
  const { readTimeoutSeconds, graceSeconds } = system.gateway;
  for (const backend of system.backends) {
    const { holdTimeoutMs, name, health } = backend.settings;
    if (health === undefined) continue;
    const place = holdPlace(backend);
    const isBeaten = heartbeatSeconds < readTimeoutSeconds / 2;
    if (holdTimeoutMs > readTimeoutSeconds * 1000 && !isBeaten) {
      const what = `Backend ${name} holds for ${holdTimeoutMs} ms; Kong waits ${readTimeoutSeconds} s for its plugin server, with a heartbeat every ${heartbeatSeconds} s`;
      yield finding("HOLD_ABOVE_READ_TIMEOUT", place, what);
    }
    if (graceSeconds !== undefined && holdTimeoutMs >= graceSeconds * 1000) {
      const what = `Backend ${name} holds for ${holdTimeoutMs} ms; a gateway pod has ${graceSeconds} s for its end`;
      yield finding("GATEWAY_GRACE_TOO_SHORT", place, what);
    }
    for (const { manifest, pollingSeconds, target } of scalersOf(system, backend)) {
      const probe = target?.containers[0]?.place.at("readinessProbe");
      const startMs = Number(
        target?.containers[0]?.environment.find((variable) => variable.name === "STARTUP_DELAY_MS")?.value ??
          0,
      );
      const leastMs =
        pollingSeconds * 1000 + Math.max(startMs, (probe?.at("initialDelaySeconds").number ?? 0) * 1000);
      if (holdTimeoutMs > leastMs) continue;
      const what = `Backend ${name} holds for ${holdTimeoutMs} ms; ${title(manifest)} and its workload's start take up to ${leastMs} ms`;
      yield finding("HOLD_TOO_SHORT", place, what);
    }
  }
}

/** The scaler looks often enough, and no more often than KEDA allows. */
export function* pollingIntervalsFit(system: System): Generator<Finding> {
  const waking = new Set(system.backends.flatMap((backend) => [...scalersOf(system, backend)]));
  for (const scaler of system.scalers) {
    const { manifest, pollingSeconds } = scaler;
    const place = manifest.root.at("spec", "pollingInterval");
    const what = `${title(manifest)} looks every ${pollingSeconds} s`;
    if (pollingSeconds < 1) yield finding("POLLING_INTERVAL_TOO_SHORT", place, what);
    if (pollingSeconds > slowPollingSeconds && waking.has(scaler)) {
      yield finding("POLLING_INTERVAL_SLOW", place, what);
    }
  }
}

function holdPlace({ config }: Backend) {
  const count = config.at("count");
  return config.at("holdTimeoutMs").exists || !count.exists ? config.at("holdTimeoutMs") : count;
}

import { title } from "../../manifests/manifests.ts";
import { scalersOf, type System } from "../../system/system.ts";
import type { Workload } from "../../system/workload.ts";
import { type Finding, finding } from "../finding.ts";

/** Kubernetes' own default. */
const defaultGraceSeconds = 30;
const slowProbeSeconds = 2;

/** A pod has the time that its processes take to stop. */
export function* gracePeriodsSuffice({ workloads, apps }: System): Generator<Finding> {
  const known = [...apps.consumers, ...apps.demoBackends];
  for (const { manifest, template, containers } of workloads) {
    const grace = template.at("spec", "terminationGracePeriodSeconds");
    const graceSeconds = grace.number ?? defaultGraceSeconds;
    for (const container of containers) {
      const pause = container.place.at("lifecycle", "preStop", "sleep", "seconds").number ?? 0;
      const stop = known.find((app) => app.container === container)?.settings?.SHUTDOWN_GRACE_SECONDS ?? 0;
      if (pause + stop === 0 || pause + stop < graceSeconds) continue;
      const what = `${title(manifest)} has ${graceSeconds} s; its container ${container.place.at("name").text ?? ""} pauses ${pause} s and then takes up to ${stop} s`;
      yield finding("GRACE_PERIOD_TOO_SHORT", grace, what);
    }
  }
}

/** A backend serves what arrives while it is scaled away. */
export function* backendsPauseBeforeTheyStop(system: System): Generator<Finding> {
  for (const { manifest, containers } of wokenWorkloads(system)) {
    const [main] = containers;
    const preStop = main?.place.at("lifecycle", "preStop");
    const pause = preStop?.at("sleep", "seconds").number;
    // What a command or a request there does is not known.
    if (preStop === undefined || pause !== undefined ? (pause ?? 0) > 0 : preStop.exists) continue;
    yield finding("PRE_STOP_MISSING", preStop ?? manifest.root, `${title(manifest)} stops listening at once`);
  }
}

/** A backend is asked for its readiness, and often. */
export function* backendsAreProbed(system: System): Generator<Finding> {
  for (const { manifest, containers } of wokenWorkloads(system)) {
    const [main] = containers;
    const probe = main?.place.at("readinessProbe");
    if (!probe?.exists) {
      const what = `${title(manifest)} has no readiness probe`;
      yield finding("READINESS_PROBE_MISSING", probe ?? manifest.root, what);
      continue;
    }
    const delay = probe.at("initialDelaySeconds").number ?? 0;
    const period = probe.at("periodSeconds").number ?? 10;
    if (delay + period <= slowProbeSeconds) continue;
    const what = `${title(manifest)} is probed after ${delay} s, then every ${period} s`;
    yield finding(
      "READINESS_PROBE_SLOW",
      probe.at(delay > 0 ? "initialDelaySeconds" : "periodSeconds"),
      what,
    );
  }
}

/** The workloads that requests wake. */
function wokenWorkloads(system: System): Set<Workload> {
  const scalers = system.backends.flatMap((backend) => [...scalersOf(system, backend)]);
  return new Set(scalers.flatMap(({ target }) => target ?? []));
}

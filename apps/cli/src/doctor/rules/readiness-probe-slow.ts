import { title, wokenWorkloads } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

const slowSeconds = 2;
/** Kubernetes' own. */
const defaultPeriodSeconds = 10;

export const readinessProbeSlow: Rule = {
  code: "READINESS_PROBE_SLOW",
  topic: "numbers",
  severity: "warning",
  why: "The kubelet's period is part of every cold start: the Service has no endpoint until the probe succeeds.",
  fix: "Set periodSeconds to 1 and leave initialDelaySeconds out.",
  *check(system) {
    for (const { manifest, containers } of wokenWorkloads(system)) {
      const probe = containers[0]?.place.at("readinessProbe");
      if (!probe?.exists) continue;
      const delay = probe.at("initialDelaySeconds").number ?? 0;
      const period = probe.at("periodSeconds").number ?? defaultPeriodSeconds;
      if (delay + period <= slowSeconds) continue;
      yield fault(
        probe.at(delay > 0 ? "initialDelaySeconds" : "periodSeconds"),
        `${title(manifest)} is probed after ${delay} s, then every ${period} s`,
      );
    }
  },
};

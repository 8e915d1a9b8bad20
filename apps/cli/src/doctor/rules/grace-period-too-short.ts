import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

/** Kubernetes' own default. */
const defaultGraceSeconds = 30;

export const gracePeriodTooShort: Rule = {
  code: "GRACE_PERIOD_TOO_SHORT",
  topic: "numbers",
  severity: "error",
  why: "The kubelet kills the process before it has finished: open requests are cut off, and messages are delivered again.",
  fix: "Raise terminationGracePeriodSeconds above the preStop pause plus SHUTDOWN_GRACE_SECONDS.",
  *check({ workloads, apps }) {
    const known = [...apps.consumers, ...apps.demoBackends];
    for (const { manifest, template, containers } of workloads) {
      const grace = template.at("spec", "terminationGracePeriodSeconds");
      const graceSeconds = grace.number ?? defaultGraceSeconds;
      for (const container of containers) {
        const pause = container.place.at("lifecycle", "preStop", "sleep", "seconds").number ?? 0;
        const app = known.find((candidate) => candidate.container === container);
        const stop = app?.settings?.SHUTDOWN_GRACE_SECONDS ?? 0;
        if (pause + stop === 0 || pause + stop < graceSeconds) continue;
        const what = `${title(manifest)} has ${graceSeconds} s; its container ${container.place.at("name").text ?? ""} pauses ${pause} s and then takes up to ${stop} s`;
        yield fault(grace, what);
      }
    }
  },
};

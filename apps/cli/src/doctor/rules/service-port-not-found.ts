import { title, workloadsOf } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const servicePortNotFound: Rule = {
  code: "SERVICE_PORT_NOT_FOUND",
  topic: "names",
  severity: "error",
  why: "No container port has that name: the Service has no endpoint.",
  fix: "Make targetPort match the name of a container's port.",
  *check(system) {
    for (const service of system.manifests.of("Service")) {
      for (const { manifest, containers } of workloadsOf(system, service)) {
        const names = new Set(
          containers.flatMap(({ place }) => place.at("ports").items.map((port) => port.at("name").text)),
        );
        for (const port of service.root.at("spec", "ports").items) {
          const target = port.at("targetPort");
          if (target.text === undefined || names.has(target.text)) continue;
          const what = `${title(service)} sends to port ${target.text}, which ${title(manifest)} does not have`;
          yield fault(target, what);
        }
      }
    }
  },
};

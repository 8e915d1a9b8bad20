import { isConfiguredElsewhere, type System, title } from "@kong-serverless/manifests";

import { applyRules, type Diagnosis } from "./diagnosis.ts";
import { rules } from "./rules/index.ts";

/** Looks at what would be applied, without a cluster. */
export function diagnose(system: System): Diagnosis {
  const { findings, skipped } = applyRules(rules, system);
  return {
    ok: findings.length === 0,
    findings,
    skipped: [...new Set([...system.manifests.leftOut, ...skipped, ...unknowns(system)])],
  };
}

/** What manifests alone cannot show. */
export function* unknowns({
  manifests,
  workloads,
  plugins,
  pubsubs,
  rabbitmq,
  gateway,
  apps,
}: System): Generator<string> {
  if (gateway.appId === undefined && pubsubs.some(({ scopes }) => scopes.length > 0)) {
    yield "whether the Components' scopes list the gateway: its dapr.io/app-id is not known (--kong-values)";
  }
  if (pubsubs.some(({ broker }) => broker === "rabbitmq") && rabbitmq === undefined) {
    yield "RabbitMQ's exchanges, queues and bindings: no definitions file is among the manifests";
  }
  for (const manifest of manifests.of("ScaledJob")) {
    yield `${title(manifest)}: doctor knows only the triggers of Jobs`;
  }
  for (const { manifest } of plugins) {
    if (isConfiguredElsewhere(manifest)) yield `${title(manifest)}: its configuration is in a Secret`;
  }
  for (const { workload, unknown } of [...apps.consumers, ...apps.demoBackends]) {
    for (const reason of unknown) yield `${title(workload.manifest)}: ${reason}`;
  }
  for (const { manifest, containers } of workloads) {
    for (const { place } of containers.flatMap(({ environment }) => environment)) {
      const name = place.at("valueFrom", "secretKeyRef", "name").text;
      if (name === undefined || manifests.find("Secret", manifest.namespace, name)) continue;
      yield `${place.at("name").text ?? ""} of ${title(manifest)}: Secret ${name} is not among the manifests`;
    }
  }
}

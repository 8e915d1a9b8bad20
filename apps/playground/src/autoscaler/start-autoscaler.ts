import { ConfigError } from "@kong-serverless/config";

import type { Broker } from "../broker/broker.ts";
import type { Journal } from "../journal.ts";
import type { ScaledObject, ScaledObjectTrigger } from "../manifests/kinds.ts";
import type { ClusterDns } from "../network/cluster-dns.ts";
import type { PlaygroundSettings } from "../settings.ts";
import { Autoscaler, type Scalable } from "./autoscaler.ts";
import { AwsSqsTrigger } from "./aws-sqs-trigger.ts";
import { ExternalPushTrigger } from "./external-push-trigger.ts";
import { MetricsApiTrigger } from "./metrics-api-trigger.ts";
import { readPause } from "./pause.ts";
import type { PolledTrigger } from "./trigger.ts";

export interface StartAutoscalerOptions {
  readonly scaledObject: ScaledObject;
  readonly target: Scalable;
  readonly settings: PlaygroundSettings;
  readonly broker: Pick<Broker, "sqs">;
  readonly dns: Pick<ClusterDns, "resolve">;
  readonly journal: Journal;
}

/** Plays KEDA's operator for one ScaledObject, with the playground's times where those are shorter. */
export function startAutoscaler(options: StartAutoscalerOptions): Autoscaler {
  const { target, settings, journal } = options;
  const { spec, metadata } = options.scaledObject;
  const stabilization =
    spec.advanced?.horizontalPodAutoscalerConfig?.behavior?.scaleDown?.stabilizationWindowSeconds;
  return new Autoscaler({
    target,
    triggers: spec.triggers.map((trigger, index) => toTrigger(trigger, `${target.name}.${index}`, options)),
    pollingInterval: spec.pollingInterval,
    cooldownPeriod: Math.min(spec.cooldownPeriod, settings.cooldownSeconds.used),
    initialCooldownPeriod: spec.initialCooldownPeriod,
    minReplicaCount: spec.minReplicaCount,
    maxReplicaCount: spec.maxReplicaCount,
    scaleDownStabilizationSeconds: Math.min(
      stabilization ?? 300,
      settings.scaleDownStabilizationSeconds.used,
    ),
    hpaSyncSeconds: settings.hpaSyncSeconds.used,
    fallback: spec.fallback,
    pause: readPause(metadata.annotations),
    journal,
  });
}

function toTrigger(
  trigger: ScaledObjectTrigger,
  fallbackName: string,
  { scaledObject, broker, dns }: StartAutoscalerOptions,
): PolledTrigger {
  const name = trigger.name ?? fallbackName;
  const resolve = (field: string, text: string, allowed: string) => {
    const resolved = dns.resolve(text);
    if (resolved !== undefined) return resolved;
    throw new ConfigError(`Trigger ${name}: metadata.${field}`, [
      `found "${text}"; allowed: ${allowed} of a Service in the manifests`,
    ]);
  };
  switch (trigger.type) {
    case "aws-sqs-queue":
      return new AwsSqsTrigger(name, trigger.metadata, broker.sqs);
    case "metrics-api": {
      const url = resolve("url", trigger.metadata.url, "a URL (http://NAME.NAMESPACE.svc:PORT/...)");
      return new MetricsApiTrigger(name, trigger.metadata, url);
    }
    case "external-push": {
      const { metadata: settings } = trigger;
      const address = resolve(
        "scalerAddress",
        settings.scalerAddress,
        "an address (NAME.NAMESPACE.svc:PORT)",
      );
      return new ExternalPushTrigger({ name, settings, address, scaledObject: scaledObject.metadata });
    }
  }
}

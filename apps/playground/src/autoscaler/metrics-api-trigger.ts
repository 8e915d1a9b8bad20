import type { ScaledObjectTrigger } from "../manifests/kinds.ts";
import { httpTimeoutMs, type PolledTrigger, type TriggerReading } from "./trigger.ts";

export type MetricsApiSettings = Extract<ScaledObjectTrigger, { type: "metrics-api" }>["metadata"];

/** `metrics-api`: a number in the JSON that a URL answers. https://keda.sh/docs/latest/scalers/metrics-api/ */
export class MetricsApiTrigger implements PolledTrigger {
  readonly name: string;
  readonly type = "metrics-api";
  readonly timeoutMs = httpTimeoutMs;
  readonly #settings: MetricsApiSettings;
  /** The settings' `url`, as it is reached from this machine. */
  readonly #url: string;

  constructor(name: string, settings: MetricsApiSettings, url: string) {
    this.name = name;
    this.#settings = settings;
    this.#url = url;
  }

  get targetPerReplica(): number {
    return Number(this.#settings.targetValue);
  }

  async read(signal: AbortSignal): Promise<TriggerReading> {
    const { valueLocation, activationTargetValue } = this.#settings;
    const response = await fetch(this.#url, { signal });
    if (!response.ok) throw new Error(`${this.#settings.url} answered ${response.status}`);
    const found = valueAt(await response.json(), valueLocation);
    // A number or numeric text: unlike JavaScript, KEDA takes nothing else for a number, such as null.
    const value = typeof found === "string" && found.trim() !== "" ? Number(found) : found;
    if (typeof value !== "number" || Number.isNaN(value))
      throw new Error(`${this.#settings.url} has no number at "${valueLocation}"`);
    const { targetPerReplica } = this;
    return { value, isActive: value > Number(activationTargetValue), targetPerReplica };
  }
}

/** `valueLocation` is a path of field names, separated by dots. */
function valueAt(document: unknown, location: string): unknown {
  return location
    .split(".")
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
}

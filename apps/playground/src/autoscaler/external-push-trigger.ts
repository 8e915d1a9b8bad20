import { ExternalScalerClient } from "@kong-serverless/keda-scaler/protocol";
import { pause } from "@kong-serverless/runtime";

import type { ScaledObjectTrigger } from "../manifests/kinds.ts";
import type { PushTrigger, TriggerReading } from "./trigger.ts";

type ExternalPushSettings = Extract<ScaledObjectTrigger, { type: "external-push" }>["metadata"];

export interface ExternalPushOptions {
  readonly name: string;
  readonly settings: ExternalPushSettings;
  /** The settings' `scalerAddress`, as it is reached from this machine. */
  readonly address: string;
  readonly scaledObject: { readonly name: string; readonly namespace: string };
}

/** KEDA reconnects after this pause, doubled after each broken stream and reset by an orderly end. */
const firstPauseMs = 2_000;
const longestPauseMs = 60_000;
const statusOk = 0;

/** `external-push`: a third-party scaler that is polled like others and may also push. */
export class ExternalPushTrigger implements PushTrigger {
  readonly name: string;
  readonly type = "external-push";
  /** KEDA sets none: a connected scaler that stays silent blocks the polls of all triggers. */
  readonly timeoutMs = undefined;
  /** Only the scaler knows. */
  readonly targetPerReplica = undefined;
  readonly #client: ExternalScalerClient;
  readonly #reference: {
    readonly name: string;
    readonly namespace: string;
    scalerMetadata: Record<string, string>;
  };

  constructor({ name, settings, address, scaledObject }: ExternalPushOptions) {
    this.name = name;
    this.#client = new ExternalScalerClient(address);
    const given = Object.entries(settings).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    this.#reference = { ...scaledObject, scalerMetadata: Object.fromEntries(given) };
  }

  async read(signal: AbortSignal): Promise<TriggerReading> {
    const [spec] = await this.#client.metricSpecs(this.#reference, { signal });
    if (spec === undefined) throw new Error("the scaler has no metric");
    const value = await this.#client.metric(this.#reference, spec.metricName, { signal });
    const isActive = await this.#client.isActive(this.#reference, { signal });
    return { value, isActive, targetPerReplica: spec.targetSizeFloat || Number(spec.targetSize) };
  }

  async listen(onActive: () => void, signal: AbortSignal): Promise<void> {
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      if ((await this.#listenOnce(onActive, signal)) === statusOk) pauseMs = firstPauseMs;
      await pause(pauseMs, signal);
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
    this.#client.close();
  }

  /** Resolves with the status that the stream ended with. */
  #listenOnce(onActive: () => void, signal: AbortSignal): Promise<number> {
    return new Promise((resolve) => {
      const stream = this.#client.streamIsActive(this.#reference);
      const onAbort = () => stream.cancel();
      signal.addEventListener("abort", onAbort, { once: true });
      // An inactive push is ignored: only polls scale to zero.
      stream.on("data", ({ result }) => result && onActive());
      stream.on("error", () => {});
      stream.once("status", ({ code }) => {
        signal.removeEventListener("abort", onAbort);
        resolve(code);
      });
    });
  }
}

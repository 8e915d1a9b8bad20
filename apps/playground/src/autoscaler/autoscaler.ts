import { sleep, withDeadline } from "@kong-serverless/runtime";

import type { Journal } from "../journal.ts";
import { Fallback, type FallbackSettings } from "./fallback.ts";
import { HorizontalPodAutoscaler } from "./horizontal-pod-autoscaler.ts";
import { decide } from "./keda-decision.ts";
import type { Pause } from "./pause.ts";
import type { PushTrigger, PolledTrigger, TriggerReading } from "./trigger.ts";

/** A scale target: a Deployment's `/scale`. */
export interface Scalable {
  readonly name: string;
  readonly replicas: number;
  scaleTo(replicas: number): void;
}

export interface AutoscalerOptions {
  readonly target: Scalable;
  readonly triggers: readonly PolledTrigger[];
  /** Periods in seconds, as a ScaledObject has them. */
  readonly pollingInterval: number;
  readonly cooldownPeriod: number;
  readonly initialCooldownPeriod: number;
  readonly minReplicaCount: number;
  readonly maxReplicaCount: number;
  readonly scaleDownStabilizationSeconds: number;
  readonly hpaSyncSeconds: number;
  readonly fallback?: FallbackSettings | undefined;
  readonly pause?: Pause | undefined;
  readonly journal: Journal;
}

/** KEDA and the HPA for one ScaledObject: two loops that ask the same triggers and set the same replicas. */
export class Autoscaler {
  readonly #options: AutoscalerOptions;
  readonly #hpa: HorizontalPodAutoscaler;
  readonly #createdAtMs = Date.now();
  readonly #stopped = new AbortController();
  readonly #loops: Promise<unknown>;
  readonly #activeTriggers = new Set<string>();
  readonly #failingTriggers = new Set<string>();
  readonly #fallback: Fallback;
  #lastActiveAtMs: number | undefined;
  /** As in KEDA, a push waits until a running poll has asked all triggers. */
  #lock: Promise<unknown> = Promise.resolve();

  constructor(options: AutoscalerOptions) {
    this.#options = options;
    this.#fallback = new Fallback(options.fallback);
    this.#hpa = new HorizontalPodAutoscaler({
      minReplicas: options.minReplicaCount,
      maxReplicas: options.maxReplicaCount,
      scaleDownStabilizationSeconds: options.scaleDownStabilizationSeconds,
    });
    const { pause } = options;
    if (pause?.isWhole) {
      if (pause.replicas !== undefined) this.#scale(pause.replicas, "keda");
      this.#loops = Promise.resolve();
      return;
    }
    this.#loops = Promise.all([
      // KEDA checks once at the start of its loop, then at each tick.
      this.#every(options.pollingInterval, () => this.#locked(() => this.#poll())),
      this.#every(options.hpaSyncSeconds, () => this.#sync()),
      ...options.triggers.map((trigger) => (isPushTrigger(trigger) ? this.#listen(trigger) : undefined)),
    ]);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#loops;
  }

  async #every(seconds: number, task: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopped;
    let next = performance.now();
    while (!signal.aborted) {
      await task();
      // Measured from tick to tick, not from the end of one task to the start of the next.
      const nowMs = performance.now();
      next = Math.max(next + seconds * 1000, nowMs);
      await sleep(next - nowMs, signal).catch(() => {});
    }
  }

  async #poll(): Promise<void> {
    const { target, minReplicaCount, cooldownPeriod, initialCooldownPeriod, fallback } = this.#options;
    const { readings, hasError } = await this.#read();
    if (this.#stopped.signal.aborted) return;
    const nowMs = Date.now();
    const { scaleTo, isActivity } = decide({
      replicas: target.replicas,
      isActive: readings.some(({ isActive }) => isActive),
      hasError,
      fallbackReplicas: fallback?.replicas,
      minReplicaCount,
      cooldownPeriod,
      initialCooldownPeriod,
      createdAtMs: this.#createdAtMs,
      lastActiveAtMs: this.#lastActiveAtMs,
      nowMs,
    });
    if (isActivity) this.#lastActiveAtMs = nowMs;
    if (scaleTo !== undefined) this.#scale(scaleTo, "keda");
  }

  async #listen(trigger: PushTrigger): Promise<void> {
    const { target, journal } = this.#options;
    const onActive = () => {
      journal.record("autoscaler", "trigger.pushed", { target: target.name, trigger: trigger.name });
      void this.#locked(async () => this.#activate());
    };
    await trigger.listen(onActive, this.#stopped.signal);
  }

  /** Does what an active poll does, without asking a trigger. */
  #activate(): void {
    const { target, minReplicaCount } = this.#options;
    if (this.#stopped.signal.aborted) return;
    this.#lastActiveAtMs = Date.now();
    if (target.replicas === 0) this.#scale(Math.max(1, minReplicaCount), "keda");
  }

  #locked(task: () => Promise<void>): Promise<void> {
    const done = this.#lock.then(task);
    this.#lock = done.catch(() => {});
    return done;
  }

  async #sync(): Promise<void> {
    const { target } = this.#options;
    if (target.replicas === 0) return;
    const { readings, hasError } = await this.#read();
    // KEDA may have scaled to zero while the triggers were asked.
    if (target.replicas === 0 || this.#stopped.signal.aborted) return;
    this.#scale(this.#hpa.recommend(target.replicas, readings, hasError, Date.now()), "hpa");
  }

  async #read(): Promise<{ readings: TriggerReading[]; hasError: boolean }> {
    const { triggers, target } = this.#options;
    const results = await Promise.allSettled(triggers.map((trigger) => this.#ask(trigger)));
    const readings = triggers.flatMap((trigger, index) => {
      const result = results[index];
      if (result === undefined) return [];
      this.#note(trigger, result);
      return this.#fallback.reading(trigger, result, target.replicas) ?? [];
    });
    return { readings, hasError: readings.length < results.length };
  }

  async #ask(trigger: PolledTrigger): Promise<TriggerReading> {
    const { timeoutMs } = trigger;
    const { signal } = this.#stopped;
    if (timeoutMs === undefined) return trigger.read(signal);
    const timedOut = () => new Error(`no answer within ${timeoutMs} ms`);
    using deadline = withDeadline(timeoutMs, timedOut, signal);
    return await trigger.read(deadline.signal);
  }

  /** Journals when a trigger becomes active or inactive, starts to fail or recovers. */
  #note({ name, type }: PolledTrigger, result: PromiseSettledResult<TriggerReading>): void {
    const { target, journal } = this.#options;
    if (this.#stopped.signal.aborted) return;
    const hasFailed = result.status === "rejected";
    const fields = { target: target.name, trigger: name, type };
    if (turns(this.#failingTriggers, name, hasFailed) && hasFailed) {
      journal.record("autoscaler", "trigger.failed", { ...fields, error: String(result.reason) });
    }
    if (hasFailed) return;
    const { value, isActive } = result.value;
    journal.record("autoscaler", "trigger.polled", { ...fields, value, isActive });
    if (turns(this.#activeTriggers, name, isActive)) {
      journal.record("autoscaler", isActive ? "trigger.activated" : "trigger.deactivated", {
        ...fields,
        value,
      });
    }
  }

  #scale(replicas: number, by: "keda" | "hpa"): void {
    const { target, journal, pause } = this.#options;
    const from = target.replicas;
    if (replicas === from || (replicas > from ? pause?.isOut : pause?.isIn)) return;
    target.scaleTo(replicas);
    journal.record("autoscaler", "replicas.changed", { target: target.name, from, to: replicas, by });
  }
}

function isPushTrigger(trigger: PolledTrigger): trigger is PushTrigger {
  return "listen" in trigger;
}

/** Adds or removes `name`, and returns whether that changed the set. */
function turns(set: Set<string>, name: string, isMember: boolean): boolean {
  if (set.has(name) === isMember) return false;
  if (isMember) set.add(name);
  else set.delete(name);
  return true;
}

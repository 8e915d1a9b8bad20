import {
  type ConfiguredBackend,
  demandWatches,
  type Scaler,
  type System,
  wakeRetentionSeconds,
  wakeWatches,
} from "@kong-serverless/manifests";

/** The times by which a wake trigger keeps a backend up under traffic. */
export interface Warmth {
  readonly backend: ConfiguredBackend;
  readonly scaler: Scaler;
  /** 0: no keep-warm messages. */
  readonly keepWarmMs: number;
  readonly pollingMs: number;
  readonly retentionMs: number;
  readonly cooldownMs: number;
  /** Whether a demand trigger keeps it up, too. */
  readonly isKeptByDemand: boolean;
  /** The first three, for people. */
  readonly given: string;
}

export function warmths(system: System): Warmth[] {
  return system.backends.flatMap((backend) => {
    const { keepWarmIntervalMs: keepWarmMs, name } = backend.settings;
    return wakeWatches(system, backend).map(({ scaler, trigger }) => {
      const retentionMs = wakeRetentionSeconds(system, trigger) * 1000;
      const pollingMs = scaler.pollingSeconds * 1000;
      return {
        backend,
        scaler,
        keepWarmMs,
        pollingMs,
        retentionMs,
        cooldownMs: scaler.cooldownSeconds * 1000,
        isKeptByDemand: demandWatches(system, backend).some((watch) => watch.scaler === scaler),
        given: `Backend ${name}: keep-warm ${keepWarmMs} ms, polling ${pollingMs} ms, retention ${retentionMs} ms`,
      };
    });
  });
}

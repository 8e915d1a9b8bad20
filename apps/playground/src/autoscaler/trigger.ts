/** What a trigger found when polled. */
export interface TriggerReading {
  readonly value: number;
  /** Whether the value is above the activation threshold, which decides between zero and one. */
  readonly isActive: boolean;
  /** The value that one replica is worth, which decides between one and many. */
  readonly targetPerReplica: number;
}

/** A trigger of a ScaledObject that can be polled. */
export interface PolledTrigger {
  readonly name: string;
  /** KEDA's name for the kind of trigger. */
  readonly type: string;
  /** How long an answer may take; undefined for as long as the connection lasts. */
  readonly timeoutMs: number | undefined;
  /** As in its readings, if known without polling. */
  readonly targetPerReplica: number | undefined;
  read(signal: AbortSignal): Promise<TriggerReading>;
}

/** KEDA's --http-default-timeout. */
export const httpTimeoutMs = 3_000;

/** A trigger that also pushes: it says by itself when it becomes active. */
export interface PushTrigger extends PolledTrigger {
  /** Calls `onActive` at every active push until `signal` aborts. Never rejects. */
  listen(onActive: () => void, signal: AbortSignal): Promise<void>;
}

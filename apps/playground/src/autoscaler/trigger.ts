/** What a trigger found when it was asked. */
export interface TriggerReading {
  readonly value: number;
  /** Whether the value is above the activation threshold: from zero or not. */
  readonly isActive: boolean;
  /** The value that one replica is worth: from one to many. */
  readonly targetPerReplica: number;
}

/** A trigger of a ScaledObject, ready to be asked. */
export interface PolledTrigger {
  readonly name: string;
  /** KEDA's name of the kind of trigger. */
  readonly type: string;
  /** How long an answer may take; undefined: as long as the connection lasts. */
  readonly timeoutMs: number | undefined;
  /** As in its readings, where that is known without asking. */
  readonly targetPerReplica: number | undefined;
  read(signal: AbortSignal): Promise<TriggerReading>;
}

/** KEDA's --http-default-timeout. */
export const httpTimeoutMs = 3_000;

/** A trigger that says by itself when it is active, besides being asked. */
export interface PushTrigger extends PolledTrigger {
  /** Calls `onActive` whenever it is told so, until `signal` aborts. Never rejects. */
  listen(onActive: () => void, signal: AbortSignal): Promise<void>;
}

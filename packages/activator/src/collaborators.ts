import type { ActivatorEvent, WakeReason } from "./events.ts";

/** Asks the scaler for a backend, through whatever carries such messages. */
export interface WakeMessage {
  readonly backend: string;
  readonly reason: WakeReason;
  readonly pubsub: string;
  readonly topic: string;
}

export interface ProbeTarget {
  readonly url: string;
  readonly timeoutMs: number;
  readonly statuses: { readonly min: number; readonly max: number };
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ProbeResult {
  readonly isReady: boolean;
  readonly status?: number;
  readonly error?: string;
  readonly durationMs: number;
}

/** What the activator needs from the world. */
export interface Collaborators {
  /** Resolves once the message was taken. Must settle soon after `signal` aborts. */
  readonly publishWake: (message: WakeMessage, signal: AbortSignal) => Promise<void>;
  /** Asks once. Must not reject, and must settle within the target's `timeoutMs`. */
  readonly probe: (target: ProbeTarget, signal?: AbortSignal) => Promise<ProbeResult>;
  /** Is told everything that happens, for logs and metrics. Must not throw. */
  readonly observe: (event: ActivatorEvent) => void;
}

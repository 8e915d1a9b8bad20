import type { EventConnection } from "./event-connection.ts";

export interface LoadOptions {
  readonly connections: readonly EventConnection[];
  /** The events that each connection plays, in turn. */
  readonly events: readonly Buffer[];
  /** Whether to begin another event, given how many have begun. */
  readonly goesOn: (begun: number) => boolean;
}

export interface Load {
  /** Milliseconds that each event took. */
  readonly latenciesMs: readonly number[];
  readonly durationMs: number;
  /** CPU time of this process, the load generator, per event. */
  readonly cpuMicrosPerEvent: number;
}

/** Plays events on every connection, each as soon as the previous one has ended. */
export async function playLoad({ connections, events, goesOn }: LoadOptions): Promise<Load> {
  const latenciesMs: number[] = [];
  const startedAtMs = performance.now();
  const cpuBefore = process.cpuUsage();
  let begun = 0;
  await Promise.all(
    connections.map(
      (connection) =>
        new Promise<void>((resolve) => {
          let position = 0;
          let beganAtMs = 0;
          const begin = () => {
            if (!goesOn(begun)) return resolve();
            begun += 1;
            const event = events[position] as Buffer;
            position = (position + 1) % events.length;
            beganAtMs = performance.now();
            connection.play(event, onEnd);
          };
          const onEnd = () => {
            latenciesMs.push(performance.now() - beganAtMs);
            begin();
          };
          begin();
        }),
    ),
  );
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    latenciesMs,
    durationMs: performance.now() - startedAtMs,
    cpuMicrosPerEvent: (user + system) / latenciesMs.length,
  };
}

/** Keeps going for `durationMs` from now. */
export function forMs(durationMs: number): () => boolean {
  const untilMs = performance.now() + durationMs;
  return () => performance.now() < untilMs;
}

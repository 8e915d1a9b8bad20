import type { EventConnection } from "./event-connection.ts";

export interface LoadOptions {
  readonly connections: readonly EventConnection[];
  /** What each connection begins, in turn. */
  readonly events: readonly Buffer[];
  /** Whether another event is to begin, given how many have. */
  readonly goesOn: (begun: number) => boolean;
}

export interface Load {
  /** Milliseconds that each event took. */
  readonly latenciesMs: readonly number[];
  readonly durationMs: number;
  /** CPU time of this process, which makes the load, for each event. */
  readonly cpuMicrosPerEvent: number;
}

/** Plays events on every connection, each one as soon as the last has ended: as many under way as there are connections. */
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

/** Goes on for `durationMs` from now. */
export function forMs(durationMs: number): () => boolean {
  const untilMs = performance.now() + durationMs;
  return () => performance.now() < untilMs;
}

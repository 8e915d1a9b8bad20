import type { ProbeBudget } from "@kong-serverless/health-poller";
import type { JobQueue } from "@kong-serverless/runtime";

import type { ActivatorDeps } from "./activator-deps.ts";
import type { ChainMember } from "./chain.ts";
import type { Clients } from "./clients.ts";
import type { HeldTotal } from "./held-requests.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** What all backends of a process share. */
export interface BackendParts {
  readonly deps: ActivatorDeps;
  readonly budget: ProbeBudget;
  readonly wheel: TimerWheel;
  /** Starts activations. */
  readonly starts: JobQueue;
  readonly heldTotal: HeldTotal;
  readonly clients: Clients;
  /** Activations in progress. */
  readonly activating: { count: number };
  readonly find: (name: string) => ChainMember | undefined;
  readonly all: () => Iterable<ChainMember>;
}

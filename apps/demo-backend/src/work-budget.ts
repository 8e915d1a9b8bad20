import { ServerlessError } from "@kong-serverless/runtime";

export interface WorkBudgetOptions {
  /** Milliseconds of work that a submitter may queue at once. A second of it comes back each second. */
  readonly workMs: number;
}

interface Account {
  spentMs: number;
  /** Of the monotonic clock. */
  seenAt: number;
}

/** What a job costs at least: a message, a handler, a result. */
const leastCostMs = 100;
/** Submitters that are remembered; whoever was heard of longest ago is forgotten first, and has a full budget again. */
const maxAccounts = 10_000;

/**
 * A fair share of the workers for everybody: each submitter has a budget of work, which refills at the speed of one worker. So nobody keeps
 * more than one busy for long, and a job of somebody else waits for a budget's worth of work at most.
 */
export class WorkBudget {
  readonly #workMs: number;
  readonly #accounts = new Map<string, Account>();

  constructor({ workMs }: WorkBudgetOptions) {
    this.#workMs = workMs;
  }

  /** Charges the jobs to the submitter. Fails with JOBS_LIMIT_REACHED, and charges nothing, when they are beyond the budget. */
  spend(submitter: string, { count, durationMs }: { count: number; durationMs: number }): void {
    const costMs = count * Math.max(leastCostMs, durationMs);
    const spentMs = this.#spentBy(submitter);
    const waitMs = spentMs + costMs - this.#workMs;
    if (costMs > this.#workMs || waitMs > 0) {
      const hint =
        costMs > this.#workMs
          ? `This is more than anybody may queue at once: ${this.#workMs / 1000} s of work.`
          : `Come again in ${Math.ceil(waitMs / 1000)} s.`;
      throw new ServerlessError(
        "JOBS_LIMIT_REACHED",
        `${count} jobs of ${durationMs} ms are beyond what is left of your share. ${hint}`,
      );
    }
    this.#remember(submitter, { spentMs: spentMs + costMs, seenAt: performance.now() });
  }

  #spentBy(submitter: string): number {
    const account = this.#accounts.get(submitter);
    return account === undefined ? 0 : Math.max(0, account.spentMs - (performance.now() - account.seenAt));
  }

  #remember(submitter: string, account: Account): void {
    // Back to the end of the Map's order.
    this.#accounts.delete(submitter);
    this.#accounts.set(submitter, account);
    if (this.#accounts.size <= maxAccounts) return;
    const [oldest = ""] = this.#accounts.keys();
    this.#accounts.delete(oldest);
  }
}

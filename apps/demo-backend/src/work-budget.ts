import { ServerlessError } from "@kong-serverless/runtime";

export interface WorkBudgetOptions {
  /** Milliseconds of work that a submitter may queue at once. A second of it comes back each second. */
  readonly workMs: number;
  /** How many of these milliseconds are prompt. */
  readonly promptMs: number;
}

interface Account {
  spentMs: number;
  /** On the monotonic clock. */
  seenAt: number;
}

/** The least a job costs: a message, a handler, a result. */
const leastCostMs = 100;
/** Submitters remembered at most. The least recently seen is forgotten first, and has a full budget again. */
const maxAccounts = 10_000;

/**
 * A fair share of the workers for everybody: each submitter has a budget of work, which refills at the speed of one worker. The first
 * jobs of a full budget are prompt; the others should wait where they delay nobody else.
 */
export class WorkBudget {
  readonly #workMs: number;
  readonly #promptMs: number;
  readonly #accounts = new Map<string, Account>();

  constructor({ workMs, promptMs }: WorkBudgetOptions) {
    this.#workMs = workMs;
    this.#promptMs = promptMs;
  }

  /**
   * Charges the jobs to the submitter and returns how many of them are prompt: those with less than `promptMs` of the submitter's
   * work ahead of them. Fails with JOBS_LIMIT_REACHED, and charges nothing, when they exceed the budget.
   */
  spend(submitter: string, { count, durationMs }: { count: number; durationMs: number }): number {
    const jobMs = Math.max(leastCostMs, durationMs);
    const costMs = count * jobMs;
    const spentMs = this.#spentBy(submitter);
    const waitMs = spentMs + costMs - this.#workMs;
    if (costMs > this.#workMs || waitMs > 0) {
      const hint =
        costMs > this.#workMs
          ? `Nobody may queue more than ${this.#workMs / 1000} s of work at once.`
          : `Try again in ${Math.ceil(waitMs / 1000)} s.`;
      throw new ServerlessError(
        "JOBS_LIMIT_REACHED",
        `${count} jobs of ${durationMs} ms exceed what is left of your share. ${hint}`,
      );
    }
    this.#remember(submitter, { spentMs: spentMs + costMs, seenAt: performance.now() });
    return Math.min(count, Math.max(0, Math.ceil((this.#promptMs - spentMs) / jobMs)));
  }

  #spentBy(submitter: string): number {
    const account = this.#accounts.get(submitter);
    return account === undefined ? 0 : Math.max(0, account.spentMs - (performance.now() - account.seenAt));
  }

  #remember(submitter: string, account: Account): void {
    // Deleting and setting moves it to the end of the Map's order.
    this.#accounts.delete(submitter);
    this.#accounts.set(submitter, account);
    if (this.#accounts.size <= maxAccounts) return;
    const [oldest = ""] = this.#accounts.keys();
    this.#accounts.delete(oldest);
  }
}

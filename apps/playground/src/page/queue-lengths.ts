import type { JournalEntry } from "../journal.ts";

/** The lengths of queues as the autoscaler's triggers found them at their last poll. */
export class QueueLengths {
  readonly #byTrigger = new Map<string, { readonly target: string; readonly length: number }>();

  note({ event, fields }: JournalEntry): void {
    if (event !== "trigger.polled" || fields["type"] !== "aws-sqs-queue") return;
    const target = String(fields["target"]);
    this.#byTrigger.set(`${target}/${String(fields["trigger"])}`, {
      target,
      length: Number(fields["value"]),
    });
  }

  /** Added up over the target's triggers. */
  of(target: string): number {
    return [...this.#byTrigger.values()]
      .filter((polled) => polled.target === target)
      .reduce((sum, { length }) => sum + length, 0);
  }
}

/** `error`: it does not work. `warning`: it works worse than it could, or stops working under load. */
export type Severity = "error" | "warning";

export interface CodeEntry {
  readonly severity: Severity;
  /** What goes wrong because of it. */
  readonly why: string;
  readonly fix: string;
}

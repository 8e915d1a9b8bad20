import type { Place, System } from "@kong-serverless/manifests";

/** `error`: it does not work. `warning`: it works worse than it could, or stops working under load. */
export type Severity = "error" | "warning";

/** The sections of docs/doctor.md, in their order. */
export const topics = {
  objects: "What the cluster would refuse",
  names: "Names that must agree",
  numbers: "Numbers that must fit",
  live: "Live clusters",
} as const;

/** What to look for, why it matters and what helps. docs/doctor.md is generated from these. */
export interface Rule<Subject = System> {
  /** Stable. */
  readonly code: string;
  readonly topic: keyof typeof topics;
  readonly severity: Severity;
  /** What goes wrong because of it. */
  readonly why: string;
  readonly fix: string;
  /** Pure: it knows only its subject. Yields what is wrong and what it cannot judge. */
  readonly check: (subject: Subject) => Iterable<Fault | NotLookedAt>;
}

/** Where something is wrong: in a manifest, or outside of all manifests. */
export type Where = Pick<Place, "file" | "path"> & Partial<Pick<Place, "line" | "documentNumber">>;

export interface Fault {
  readonly where: Where;
  /** What was found, and what it contradicts. */
  readonly what: string;
}

/** What a rule could not judge, and why: neither wrong nor fine. */
export interface NotLookedAt {
  readonly notLookedAt: string;
}

export function fault(where: Where, what: string): Fault {
  return { where, what };
}

export function notLookedAt(what: string): NotLookedAt {
  return { notLookedAt: what };
}

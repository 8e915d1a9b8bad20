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

/** One thing that doctor knows: what to look for, why it matters and what helps. docs/doctor.md is made of these. */
export interface Rule<Subject = System> {
  /** Stable. */
  readonly code: string;
  readonly topic: keyof typeof topics;
  readonly severity: Severity;
  /** What goes wrong because of it. */
  readonly why: string;
  readonly fix: string;
  /** Pure: all that it knows is in its subject. It yields what is wrong, and what it cannot judge. */
  readonly check: (subject: Subject) => Iterable<Fault | NotLookedAt>;
}

/** Where something is wrong: in a manifest, or at what no manifest shows. */
export type Where = Pick<Place, "file" | "path"> & Partial<Pick<Place, "line" | "documentNumber">>;

export interface Fault {
  readonly where: Where;
  /** What was found, and what it does not fit. */
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

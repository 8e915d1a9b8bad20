import type { Rule, Severity } from "./rule.ts";

/** Something that will not work, or not as intended. */
export interface Finding {
  readonly code: string;
  readonly severity: Severity;
  /** What was found, and what it contradicts. */
  readonly what: string;
  readonly where: {
    readonly file: string;
    readonly path: string;
    /** Counts from 1; absent if no text was read. */
    readonly line?: number;
    /** Which document of the file, from 1. */
    readonly document?: number;
  };
  readonly why: string;
  readonly fix: string;
}

export interface Diagnosis {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** What could not be looked at, and why. */
  readonly skipped: readonly string[];
}

/** Applies rules to their subject. */
export function applyRules<Subject>(
  rules: readonly Rule<Subject>[],
  subject: Subject,
): Pick<Diagnosis, "findings" | "skipped"> {
  const findings: Finding[] = [];
  const skipped = new Set<string>();
  for (const { code, severity, why, fix, check } of rules) {
    for (const sighting of check(subject)) {
      if ("notLookedAt" in sighting) {
        skipped.add(sighting.notLookedAt);
        continue;
      }
      const { file, path, line, documentNumber } = sighting.where;
      const where = {
        file,
        path,
        ...(line !== undefined && { line }),
        ...(documentNumber !== undefined && { document: documentNumber }),
      };
      findings.push({ code, severity, what: sighting.what, where, why, fix });
    }
  }
  return { findings, skipped: [...skipped] };
}

import type { Place } from "../manifests/place.ts";
import type { Severity } from "./code-entry.ts";
import { type FindingCode, findingCodes } from "./finding-codes.ts";

/** Something that will not work, or not as it is meant to. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** What was found, and what it does not fit. */
  readonly what: string;
  readonly where: { readonly file: string; readonly path: string };
  readonly why: string;
  readonly fix: string;
}

export interface Diagnosis {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** What could not be looked at, and why. */
  readonly skipped: readonly string[];
}

/** A finding at a place of a manifest. */
export function finding(code: FindingCode, { file, path }: Place, what: string): Finding {
  return findingAt(code, { file, path }, what);
}

/** A finding about what no manifest shows: `file` names the cluster or service instead. */
export function findingAt(
  code: FindingCode,
  where: { readonly file: string; readonly path: string },
  what: string,
): Finding {
  const { severity, why, fix } = findingCodes[code];
  return { code, severity, what, where, why, fix };
}

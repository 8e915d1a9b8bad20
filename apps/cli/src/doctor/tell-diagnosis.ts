import type { Diagnosis, Finding } from "./finding.ts";

/** A diagnosis for reading. */
export function tellDiagnosis({ findings, skipped }: Diagnosis, subject: string): string {
  const lines = findings.flatMap((finding) => [...tellFinding(finding), ""]);
  if (skipped.length > 0) lines.push("Not looked at:", ...skipped.map((what) => `  - ${what}`), "");
  lines.push(summary(findings, subject));
  return lines.join("\n");
}

function tellFinding({ severity, code, where, what, why, fix }: Finding): string[] {
  const place = [where.file, where.path].filter((part) => part !== "").join(": ");
  return [`${severity} ${code}`, `  ${what}`, `  where: ${place}`, `  why:   ${why}`, `  fix:   ${fix}`];
}

function summary(findings: readonly Finding[], subject: string): string {
  if (findings.length === 0) return `${subject}: nothing found.`;
  const errors = findings.filter(({ severity }) => severity === "error").length;
  return `${subject}: ${count(errors, "error")}, ${count(findings.length - errors, "warning")}.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

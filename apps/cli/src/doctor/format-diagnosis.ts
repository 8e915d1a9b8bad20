import { printable } from "@kong-serverless/runtime";

import type { Diagnosis, Finding } from "./diagnosis.ts";

/** A diagnosis as text for people. */
export function formatDiagnosis({ findings, skipped }: Diagnosis, subject: string): string {
  const lines = findings.flatMap((finding) => [...formatFinding(finding), ""]);
  if (skipped.length > 0) {
    lines.push("Not looked at:", ...skipped.map((what) => `  - ${printable(what)}`), "");
  }
  lines.push(summary(findings, printable(subject)));
  return lines.join("\n");
}

function formatFinding({ severity, code, where, what, why, fix }: Finding): string[] {
  const file = where.line === undefined ? where.file : `${where.file}:${where.line}`;
  const place = [file, where.path].filter((part) => part !== "").join(": ");
  return [
    `${severity} ${code}`,
    `  ${printable(what)}`,
    `  where: ${printable(place)}`,
    `  why:   ${why}`,
    `  fix:   ${fix}`,
  ];
}

function summary(findings: readonly Finding[], subject: string): string {
  if (findings.length === 0) return `${subject}: nothing found.`;
  const errors = findings.filter(({ severity }) => severity === "error").length;
  return `${subject}: ${count(errors, "error")}, ${count(findings.length - errors, "warning")}.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** How a command of this system ends. */
export const exitCode = {
  fine: 0,
  findings: 1,
  failed: 2,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** The one table of exit codes: `--help` prints it, and docs/errors.md is generated from it. */
export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  [exitCode.fine]: "Everything is fine.",
  [exitCode.findings]:
    "It ran and found something: a finding, a difference (--dry-run), a 5xx, a kept file, a failed story.",
  [exitCode.failed]:
    "It could not run: wrong usage, invalid configuration, or something that cannot be reached.",
  [exitCode.interrupted]: "It was interrupted before it was done.",
};

/** The table as the end of a command's help. */
export function exitCodesHelp(): string {
  const lines = Object.entries(exitCodeMeanings).map(([code, meaning]) => `  ${code.padEnd(5)}${meaning}`);
  return `\nExit codes:\n${lines.join("\n")}`;
}

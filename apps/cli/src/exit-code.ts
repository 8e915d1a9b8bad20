/** How the command ends. */
export const exitCode = {
  fine: 0,
  /** There is something to be mended, or was when the command came. */
  findings: 1,
  /** It could not look. */
  failed: 2,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

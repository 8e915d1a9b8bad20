import { Command, CommanderError } from "commander";

import { doctorCommand } from "./doctor/doctor-command.ts";
import { type ExitCode, exitCode } from "./exit-code.ts";
import { provisionCommand } from "./provision/provision-command.ts";
import type { Shell } from "./shell.ts";
import { traceCommand } from "./trace/trace-command.ts";

/** Runs the command line and resolves with its exit code. */
export async function runCommand(argv: readonly string[], shell: Shell): Promise<ExitCode> {
  let code: ExitCode = exitCode.fine;
  const program = new Command("kong-serverless")
    .description("Look after a kong-serverless installation.")
    .configureOutput({
      writeOut: (text) => shell.print(text.trimEnd()),
      writeErr: (text) => shell.tell(text.trimEnd()),
    })
    .addHelpText("after", "\nExit codes: 0 fine, 1 there are findings, 2 could not look.")
    .showHelpAfterError("(see --help)")
    .exitOverride();
  const finish = (outcome: ExitCode) => {
    code = outcome;
  };
  for (const command of [doctorCommand, provisionCommand, traceCommand]) {
    program.addCommand(command(shell, finish).copyInheritedSettings(program));
  }
  try {
    // pnpm hands an end-of-options mark on, as npm's users write it: `pnpm kong-serverless -- doctor`.
    await program.parseAsync(argv[0] === "--" ? argv.slice(1) : argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCode.fine : exitCode.failed;
  }
  return code;
}

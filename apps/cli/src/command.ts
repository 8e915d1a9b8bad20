import { Command, CommanderError } from "commander";

import { type ExitCode, exitCode } from "./exit-code.ts";
import type { Shell } from "./shell.ts";

type CommandBuilder = (shell: Shell, finish: (code: ExitCode) => void) => Command;

/** Each is loaded when it is wanted: help should not wait for what it only names. */
const commands: Readonly<
  Record<string, { alias?: string; description: string; load: () => Promise<CommandBuilder> }>
> = {
  doctor: {
    description:
      "Find what will not work: in what would be applied, or in a live cluster. docs/doctor.md explains each finding.",
    load: async () => (await import("./doctor/doctor-command.ts")).doctorCommand,
  },
  init: {
    alias: "adopt",
    description:
      "Write what scales a service of yours to zero, or with `init worker` a queue consumer to start from.",
    load: async () => (await import("./init/init-command.ts")).initCommand,
  },
  provision: {
    description:
      "Make what no manifest can: SNS topics, SQS queues with their policies and dead-letter queues, and subscriptions.",
    load: async () => (await import("./provision/provision-command.ts")).provisionCommand,
  },
  trace: {
    description:
      "Send one request and show where its time went: connect, hold, backend, body. Exits 1 for a 5xx.",
    load: async () => (await import("./trace/trace-command.ts")).traceCommand,
  },
};

/** Where a command writes to; the rest of the shell is opened when a command runs. */
export type Terminal = Pick<Shell, "print" | "tell">;

/** Runs the command line and resolves with its exit code. */
export async function runCommand(
  argv: readonly string[],
  terminal: Terminal,
  openShell: () => Promise<Shell>,
): Promise<ExitCode> {
  let code: ExitCode = exitCode.fine;
  const program = new Command("kong-serverless")
    .description("Look after a kong-serverless installation.")
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.tell(text.trimEnd()),
    })
    .addHelpText("after", "\nExit codes: 0 fine, 1 there are findings, 2 could not look.")
    .showHelpAfterError("(see --help)")
    // `init worker --json` is for `worker`, not for `init`.
    .enablePositionalOptions()
    .exitOverride();
  // pnpm hands an end-of-options mark on, as npm's users write it: `pnpm kong-serverless -- doctor`.
  const words = argv[0] === "--" ? argv.slice(1) : argv;
  for (const [name, { alias, description, load }] of Object.entries(commands)) {
    const command =
      words.includes(name) || (alias !== undefined && words.includes(alias))
        ? (await load())(await openShell(), (outcome) => (code = outcome))
        : new Command(name);
    if (alias !== undefined) command.alias(alias);
    program.addCommand(command.description(description).copyInheritedSettings(program));
    for (const subcommand of command.commands) subcommand.copyInheritedSettings(command);
  }
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCode.fine : exitCode.failed;
  }
  return code;
}

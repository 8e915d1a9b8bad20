import { ConfigError } from "@kong-serverless/config";
import { errorReport, type ExitCode, exitCode, exitCodesHelp, usageError } from "@kong-serverless/runtime";
import { Argument, Command, CommanderError } from "commander";

import manifest from "../package.json" with { type: "json" };
import { completionScript, shells, type ShellName } from "./completion.ts";
import type { Shell } from "./shell.ts";
import type { Terminal } from "./terminal.ts";

type CommandBuilder = (shell: Shell, finish: (code: ExitCode) => void) => Command;

/** Loaded only when used: help should not wait for commands that it merely lists. */
const commands: Readonly<
  Record<string, { alias?: string; description: string; load: () => Promise<CommandBuilder> }>
> = {
  doctor: {
    description:
      "Find what will not work, in manifests or in a live cluster. docs/doctor.md explains each finding.",
    load: async () => (await import("./doctor/doctor-command.ts")).doctorCommand,
  },
  init: {
    alias: "adopt",
    description:
      "Write what scales your service to zero or, with `init worker`, a queue consumer to start from.",
    load: async () => (await import("./init/init-command.ts")).initCommand,
  },
  provision: {
    description:
      "Create what no manifest can: SNS topics, subscriptions, and SQS queues with their policies and dead-letter queues.",
    load: async () => (await import("./provision/provision-command.ts")).provisionCommand,
  },
  trace: {
    description:
      "Send one request and show where its time went: connect, hold, backend, body. Exits 1 for a 5xx.",
    load: async () => (await import("./trace/trace-command.ts")).traceCommand,
  },
};

const completion = "completion";

/** Runs the command line and resolves with its exit code. */
export async function runCommand(
  argv: readonly string[],
  terminal: Terminal,
  openShell: () => Promise<Shell>,
): Promise<ExitCode> {
  let code: ExitCode = exitCode.fine;
  let complaint = "";
  const program = new Command("kong-serverless")
    .description("Check, set up and trace a kong-serverless installation.")
    .version(manifest.version, "-V, --version", "print the version")
    .option("--no-color", "no colours, like NO_COLOR=1; FORCE_COLOR=1 turns them on without a terminal")
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.tell(text.trimEnd()),
      outputError: (text, write) => {
        complaint = text.trim().replace(/^error: /, "");
        write(usageError(text));
      },
    })
    .addHelpText("afterAll", exitCodesHelp())
    // `init worker --json` is for `worker`, not for `init`.
    .enablePositionalOptions()
    .exitOverride();
  // pnpm passes on the `--` that users of npm write: `pnpm kong-serverless -- doctor`.
  const words = (argv[0] === "--" ? argv.slice(1) : argv).filter((word) => word !== "--no-color");
  const wantsAll = words[0] === completion;
  for (const [name, { alias, description, load }] of Object.entries(commands)) {
    const command =
      wantsAll || words.includes(name) || (alias !== undefined && words.includes(alias))
        ? (await load())(await openShell(), (outcome) => (code = outcome))
        : new Command(name);
    if (alias !== undefined) command.alias(alias);
    program.addCommand(command.description(description).copyInheritedSettings(program));
    for (const subcommand of command.commands) subcommand.copyInheritedSettings(command);
  }
  program
    .command(completion)
    .description("Print a script that completes commands and options in your shell.")
    .addArgument(new Argument("<shell>").choices(shells))
    .addHelpText("after", completionExamples)
    .action((shell: ShellName) => terminal.print(completionScript(program, shell)));
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exitCode.fine;
    if (words.includes("--json")) {
      const reason = new ConfigError("The command line", [complaint]);
      terminal.print(JSON.stringify(errorReport(reason)));
    }
    return exitCode.failed;
  }
  return code;
}

const completionExamples = `
Examples:
  source <(kong-serverless completion bash)         in ~/.bashrc
  source <(kong-serverless completion zsh)          in ~/.zshrc, after compinit
  kong-serverless completion fish > ~/.config/fish/completions/kong-serverless.fish
`;

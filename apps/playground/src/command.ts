import { ConfigError } from "@kong-serverless/config";
import { errorReport, exitCode, exitCodesHelp, usageError } from "@kong-serverless/runtime";
import { Command, InvalidArgumentError } from "commander";

import manifest from "../package.json" with { type: "json" };

export interface CommandOptions {
  readonly port: number;
  /** Undefined: no page. */
  readonly pagePort: number | undefined;
  readonly once: boolean;
  readonly json: boolean;
  readonly realTimes: boolean;
  readonly manifests: string;
  /** `NAME=COMMAND` each. */
  readonly app?: readonly string[];
  /** A file of these. */
  readonly apps?: string;
  readonly daprd: string;
  readonly instantWake: boolean;
  readonly chain: boolean;
  readonly fairJobs: boolean;
}

/** Relative to the workspace. */
export const defaultManifests = "deploy/base";
const switches = { once: false, json: false, realTimes: false, instantWake: false, chain: false };
const maxPort = 65_535;
const defaultPagePort = 8001;

/**
 * Reads the command line. `--help` and `--version` print and exit 0; a wrong option says what is allowed and exits 2.
 */
export function readCommand(argv: readonly string[]): CommandOptions {
  const command = new Command("pnpm demo")
    .description(
      "The whole system on this machine, without a cluster: a gateway with the real plugin server, SNS and SQS, an autoscaler that " +
        "follows KEDA's rules, and the real apps as processes, every backend at zero until somebody calls it.",
    )
    .option("--port <number>", "port of the gateway on 127.0.0.1; 0 takes any free port", parsePort, 8000)
    .option(
      "--page-port <number>",
      `port of the page on 127.0.0.1; 0 takes any free port (default: ${defaultPagePort}; any with --port 0, no page with --once)`,
      parsePort,
    )
    .option("--once", "play the fixed story, then exit: 0 if everything went as expected")
    .option("--json", "with --once: print one JSON object as the last line on stdout")
    .option(
      "--real-times",
      "use the manifests' times instead of shortened ones (zero comes after two minutes)",
    )
    .option(
      "--manifests <path>",
      "what to play: a folder, with a kustomization or without, or a file",
      defaultManifests,
    )
    .option(
      "--app <name=command>",
      "the command that runs a Deployment or image of that name here: --app web='node server.js'; may be repeated",
      (text: string, before?: readonly string[]) => [...(before ?? []), text],
    )
    .option(
      "--apps <file>",
      "the same from a file: NAME: COMMAND, or NAME: {command, workingDirectory} relative to the file",
    )
    .option(
      "--instant-wake",
      "add deploy/components/instant-wake: the gateway pushes wakes to the autoscaler, which then does not wait for a poll",
    )
    .option(
      "--chain",
      "add deploy/components/chain: a second service behind the demo backend, woken by the same request",
    )
    .option(
      "--fair-jobs",
      "add deploy/components/fair-jobs: a second consumer, so that many jobs of one client do not delay a few of another",
      false,
    )
    .option("--daprd <command>", "the Dapr sidecar to use where it is installed", "daprd")
    .version(manifest.version, "-V, --version", "print the version")
    .option("--no-color", "no effect: the playground prints no colours")
    .allowExcessArguments(false)
    .addHelpText("after", exitCodesHelp())
    .configureOutput({
      outputError: (text, write) => {
        write(`${usageError(text)}\n`);
        if (!argv.includes("--json")) return;
        const complaint = text.trim().replace(/^error: /, "");
        const report = errorReport(new ConfigError("The command line", [complaint]));
        process.stdout.write(`${JSON.stringify(report)}\n`);
      },
    })
    .exitOverride(({ exitCode: code }) => process.exit(code === 0 ? exitCode.fine : exitCode.failed));
  // pnpm passes on the `--` that users of npm write: `pnpm demo -- --once`.
  command.parse(
    argv.filter((argument) => argument !== "--"),
    { from: "user" },
  );
  const { color: _, ...given } = command.opts<Partial<CommandOptions> & { color: boolean }>();
  const options = { ...switches, ...given } as CommandOptions;
  if (options.json && !options.once)
    throw new ConfigError("The command line", ["--json: allowed only with --once"]);
  return { ...options, pagePort: options.pagePort ?? choosePagePort(options) };
}

/** With any port for the gateway a fixed one for the page would surprise; the story has no viewers. */
function choosePagePort({ port, once }: CommandOptions): number | undefined {
  if (once) return undefined;
  return port === 0 ? 0 : defaultPagePort;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (text.trim() === "" || !Number.isInteger(port) || port < 0 || port > maxPort) {
    throw new InvalidArgumentError(`Allowed: a whole number from 0 to ${maxPort}.`);
  }
  return port;
}

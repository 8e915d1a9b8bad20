import { ConfigError } from "@kong-serverless/config";
import { readGateway, readSystem } from "@kong-serverless/manifests";
import { type ExitCode, exitCode } from "@kong-serverless/runtime";
import { Command } from "commander";

import { addManifestOptions, type ManifestOptions, manifestSource, readSource } from "../manifest-options.ts";
import type { Shell } from "../shell.ts";
import { formatChanges } from "./format-changes.ts";
import { provision } from "./provision.ts";
import { wantedFor } from "./wanted.ts";

interface ProvisionCommandOptions extends ManifestOptions {
  readonly dryRun?: boolean;
  readonly region?: string;
  readonly endpointUrl?: string;
  readonly json?: boolean;
}

const examples = `
Prints each step: + create, ~ change (attribute: from -> to), = as it should be. Running it again does nothing.
Credentials are found like the AWS CLI does. docs/provisioning.md lists the same resources for Terraform.

Examples:
  kong-serverless provision --overlay staging --dry-run     look first; exits 1 when something differs
  kong-serverless provision --overlay staging
  kong-serverless provision --overlay dev --endpoint-url http://localhost:4566
`;

export function provisionCommand(shell: Shell, finish: (code: ExitCode) => void): Command {
  return addManifestOptions(new Command("provision"))
    .option("--dry-run", "print what would be done, without doing it")
    .option("--region <region>", "AWS region; default: the one that the manifests name")
    .option("--endpoint-url <url>", "a queue service other than AWS; default: $AWS_ENDPOINT_URL")
    .option("--json", "print one JSON object: {ok, dryRun, changes}")
    .addHelpText("after", examples)
    .action(async (options: ProvisionCommandOptions) => {
      const source = manifestSource(options);
      if (source === undefined) throw new ConfigError("The command line", ["give --overlay or --file"]);
      const wanted = wantedFor(readSystem(await readSource(source, shell), readGateway()));
      // The AWS SDK takes a moment to load: other commands should not wait for it.
      const { QueueService } = await import("./queue-service.ts");
      using service = new QueueService({
        region: options.region ?? wanted.region,
        endpoint: options.endpointUrl ?? shell.endpointUrl,
        signal: shell.signal,
      });
      const { dryRun = false } = options;
      const changes = await provision(wanted, service, { dryRun, progress: shell.progress });
      const ok = !dryRun || changes.every(({ action }) => action === "none");
      shell.print(
        options.json ? JSON.stringify({ ok, dryRun, changes }) : formatChanges(changes, { dryRun }),
      );
      finish(ok ? exitCode.fine : exitCode.findings);
    });
}

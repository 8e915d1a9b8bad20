import { ConfigError } from "@kong-serverless/config";
import { Command } from "commander";

import { type ExitCode, exitCode } from "../exit-code.ts";
import {
  addManifestOptions,
  type ManifestOptions,
  manifestSource,
  readSource,
  sourceName,
} from "../manifest-options.ts";
import type { Shell } from "../shell.ts";
import { readGateway } from "../system/gateway.ts";
import { gatewayValuesFor, readGatewayValues } from "../system/read-gateway-values.ts";
import { readSystem } from "../system/system.ts";
import { diagnose } from "./diagnose.ts";
import type { Diagnosis } from "./finding.ts";
import { tellDiagnosis } from "./tell-diagnosis.ts";

interface DoctorOptions extends ManifestOptions {
  readonly kongValues?: readonly string[];
  readonly json: boolean;
}

const examples = `
Examples:
  kong-serverless doctor --overlay staging          what would be applied, without a cluster
  kubectl kustomize DIR | kong-serverless doctor --file - --json
`;

export function doctorCommand(shell: Shell, finish: (code: ExitCode) => void): Command {
  const command = new Command("doctor").description(
    "Find what will not work: in what would be applied, or in a live cluster. docs/doctor.md explains each finding.",
  );
  return addManifestOptions(command)
    .option(
      "--kong-values <file...>",
      "Helm values of the gateway, later files over earlier ones; default: deploy/platform/kong/values.yaml and, where it exists, values-OVERLAY.yaml",
    )
    .option("--json", "print one JSON object: {ok, findings, skipped}", false)
    .addHelpText("after", examples)
    .action(async (options: DoctorOptions) => {
      const source = manifestSource(options);
      if (source === undefined) throw new ConfigError("The command line", ["give --overlay or --file"]);
      const files =
        options.kongValues ?? ("overlay" in source ? await gatewayValuesFor(source.overlay, shell.root) : []);
      const gateway = readGateway(await readGatewayValues(files));
      const diagnosis = diagnose(readSystem(await readSource(source, shell), gateway));
      finish(report(diagnosis, sourceName(source), options, shell));
    });
}

function report(diagnosis: Diagnosis, subject: string, { json }: DoctorOptions, { print }: Shell): ExitCode {
  print(json ? JSON.stringify(diagnosis) : tellDiagnosis(diagnosis, subject));
  return diagnosis.ok ? exitCode.fine : exitCode.findings;
}

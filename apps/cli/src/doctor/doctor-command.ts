import { ConfigError } from "@kong-serverless/config";
import {
  gatewayValuesFor,
  readGateway,
  readGatewayValues,
  readSystem,
  sourceName,
} from "@kong-serverless/manifests";
import { type ExitCode, exitCode } from "@kong-serverless/runtime";
import { Command } from "commander";

import { addManifestOptions, type ManifestOptions, manifestSource, readSource } from "../manifest-options.ts";
import type { Shell } from "../shell.ts";
import { diagnose } from "./diagnose.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { formatDiagnosis } from "./format-diagnosis.ts";
import { toSarif } from "./sarif.ts";

interface DoctorOptions extends ManifestOptions {
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly namespace?: readonly string[];
  readonly kongValues?: readonly string[];
  readonly endpointUrl?: string;
  readonly json?: boolean;
  readonly sarif?: boolean;
}

const examples = `
Examples:
  kong-serverless doctor --overlay staging          what would be applied, without a cluster
  kong-serverless doctor --file app.yaml --file keda/
  kubectl kustomize DIR | kong-serverless doctor --file - --json
  kong-serverless doctor --context kind-dev         a live cluster, and its queues if there are credentials
`;

export function doctorCommand(shell: Shell, finish: (code: ExitCode) => void): Command {
  return addManifestOptions(new Command("doctor"))
    .option(
      "--kong-values <file...>",
      "Helm values of the gateway, later files over earlier ones; default: deploy/platform/kong/values.yaml and, where it exists, values-OVERLAY.yaml",
    )
    .option("--context <name>", "the cluster of this kube context; nothing is changed there")
    .option("--kubeconfig <file>", "with --context: default $KUBECONFIG, else ~/.kube/config")
    .option("--namespace <name...>", "with --context: look here too, not only where the plugin is used")
    .option(
      "--endpoint-url <url>",
      "with --context: a queue service other than AWS; default: $AWS_ENDPOINT_URL",
    )
    .option("--json", "print one JSON object: {ok, findings, skipped}")
    .option("--sarif", "print a SARIF log, for annotations in code reviews")
    .addHelpText("after", examples)
    .action(async (options: DoctorOptions) => {
      const { subject, diagnosis } = await look(options, shell);
      shell.print(print(diagnosis, subject, options));
      finish(diagnosis.ok ? exitCode.fine : exitCode.findings);
    });
}

function print(diagnosis: Diagnosis, subject: string, { json, sarif }: DoctorOptions): string {
  if (json && sarif) throw new ConfigError("The command line", ["--json and --sarif: give one of them"]);
  if (sarif) return JSON.stringify(toSarif(diagnosis));
  return json ? JSON.stringify(diagnosis) : formatDiagnosis(diagnosis, subject);
}

async function look(
  options: DoctorOptions,
  shell: Shell,
): Promise<{ subject: string; diagnosis: Diagnosis }> {
  const { context } = options;
  const source = manifestSource(options);
  if (context !== undefined && source === undefined) {
    return { subject: context, diagnosis: await lookAtCluster(context, options, shell) };
  }
  if (source === undefined || context !== undefined) {
    throw new ConfigError("The command line", ["give one of --overlay, --file and --context"]);
  }
  const standard = "overlay" in source ? await gatewayValuesFor(source.overlay, shell.root) : [];
  const gateway = readGateway(await readGatewayValues(options.kongValues ?? standard));
  const diagnosis = diagnose(readSystem(await readSource(source, shell), gateway));
  return { subject: sourceName(source), diagnosis };
}

async function lookAtCluster(context: string, options: DoctorOptions, shell: Shell): Promise<Diagnosis> {
  const { kubeconfig, namespace: namespaces = [], endpointUrl } = options;
  // The Kubernetes client and the AWS SDK take a second to load: only a live cluster should wait for them.
  shell.progress(`Connecting to ${context}`);
  const { KubeconfigApiServer } = await import("../live/kubeconfig-api-server.ts");
  const { diagnoseCluster } = await import("../live/diagnose-cluster.ts");
  const server = await KubeconfigApiServer.connect({ context, kubeconfig, signal: shell.signal });
  return diagnoseCluster(server, {
    cluster: context,
    namespaces,
    endpoint: endpointUrl ?? shell.endpointUrl,
    signal: shell.signal,
    progress: shell.progress,
  });
}

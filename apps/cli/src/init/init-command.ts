import { join, relative, resolve } from "node:path";
import { createInterface } from "node:readline/promises";

import { ConfigError } from "@kong-serverless/config";
import { Manifests, readGateway, readManifests, readSystem } from "@kong-serverless/manifests";
import { type ExitCode, exitCode } from "@kong-serverless/runtime";
import { Command, InvalidArgumentError, Option } from "commander";

import { diagnose } from "../doctor/diagnose.ts";
import { formatDiagnosis } from "../doctor/format-diagnosis.ts";
import type { Shell } from "../shell.ts";
import { type AdoptedService, adoptService } from "./adopted-service.ts";
import { type BrokerName, brokers, serviceFolder } from "./service-folder.ts";
import { workerCommand } from "./worker-command.ts";
import { formatFolder, writeFolder } from "./write-folder.ts";

interface InitOptions {
  readonly from?: string;
  readonly file?: readonly string[];
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly service?: string;
  readonly health?: string;
  readonly broker?: BrokerName;
  readonly region: string;
  readonly route?: "ingress" | "httproute";
  readonly gateway?: string;
  readonly host?: string;
  readonly path: string;
  readonly gatewayNamespace: string;
  readonly gatewayAppId: string;
  readonly maxReplicas: number;
  readonly requestsPerReplica: number;
  readonly out?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const examples = `
Writes a small kustomize folder for an existing service: the plugin's configuration, a route, the scaler, and what they need for
the broker. It never overwrites a file, and changes nothing in a cluster.

Examples:
  kong-serverless init --file checkout.yaml --broker none --yes
  kong-serverless init --from deploy/checkout -n shop --context kind-dev
  kong-serverless init worker --name resize --queue resize-jobs
`;

export function initCommand(shell: Shell, finish: (code: ExitCode) => void): Command {
  return new Command("init")
    .option("--from <workload>", "deploy/NAME or sts/NAME; default: the only one behind a Service")
    .option("--file <path>", "its manifests, a file or a folder; may be repeated", collect)
    .option(
      "--context <name>",
      "read it from the cluster of this kube context instead; nothing is changed there",
    )
    .option("--kubeconfig <file>", "with --context: default $KUBECONFIG, else ~/.kube/config")
    .option("-n, --namespace <name>", "its namespace; with --context: default `default`")
    .option("--service <name>", "its Service, where there is more than one")
    .option("--health <url-path>", "path that answers once it is ready; default: its readiness probe's")
    .addOption(
      new Option("--broker <kind>", "what carries wake messages; none: KEDA asks the gateway").choices(
        brokers,
      ),
    )
    .option("--region <region>", "with --broker sqs: the region of its queues", "eu-west-1")
    .addOption(
      new Option("--route <kind>", "default: httproute where the cluster has a Gateway").choices([
        "ingress",
        "httproute",
      ]),
    )
    .option("--gateway <namespace/name>", "with an HTTPRoute: its Gateway; default: the cluster's first")
    .option("--host <name>", "host of the route; default: any")
    .option("--path <prefix>", "path of the route", "/")
    .option("--gateway-namespace <name>", "where Kong runs", "kong")
    .option("--gateway-app-id <id>", "dapr.io/app-id of Kong's pods", "kong-gateway")
    .option("--max-replicas <number>", "at most this many replicas", wholeNumber, 5)
    .option("--requests-per-replica <number>", "how many one replica serves well at once", wholeNumber, 10)
    .option("--out <folder>", "where to write; default: kong-serverless/NAME")
    .option("--yes", "ask nothing; use defaults for what is not given")
    .option("--json", "print one JSON object: {ok, folder, files, findings, next}")
    .addHelpText("after", examples)
    .action(async (options: InitOptions) => finish(await init(options, shell)))
    .addCommand(workerCommand(shell, finish));
}

async function init(options: InitOptions, shell: Shell): Promise<ExitCode> {
  const { manifests, gateway } = await readSubject(options, shell);
  const { from, namespace, service: serviceName, health, gatewayNamespace } = options;
  const service = adoptService(manifests, {
    from,
    namespace,
    service: serviceName,
    health,
    gatewayNamespace,
  });
  const broker = options.broker ?? (await askForBroker(service, options, shell));
  const folder = resolve(shell.cwd, options.out ?? join("kong-serverless", service.name));
  const files = await writeFolder(
    folder,
    serviceFolder(service, { ...options, host: options.host, broker, route: routeOf(options, gateway) }),
  );
  const shown = relative(shell.cwd, folder) || ".";
  const written = await readManifests({ files: [shown] }, shell);
  const whole = new Manifests([...manifests.all, ...written.all]);
  const diagnosis = diagnose(readSystem(whole, readGateway()));
  const next = nextCommands(options, { broker, folder: shown, command: shell.command });
  const ok = files.every(({ status }) => status !== "kept");
  if (options.json) {
    shell.print(JSON.stringify({ ok, folder: shown, files, findings: diagnosis.findings, next }));
  } else {
    shell.print(formatFolder(shown, files));
    if (!diagnosis.ok) {
      shell.print(`\nWhat your own manifests still lack (${shown}/workload has patches):`);
      shell.print(formatDiagnosis(diagnosis, `${service.name} with ${shown}`));
    }
    shell.print(`\nNext:\n${next.map((command) => `  ${command}`).join("\n")}`);
  }
  return ok ? exitCode.fine : exitCode.findings;
}

async function readSubject(
  { file = [], context, kubeconfig, namespace = "default" }: InitOptions,
  shell: Shell,
): Promise<{ manifests: Manifests; gateway?: string | undefined }> {
  if (file.length > 0 === (context !== undefined)) {
    throw new ConfigError("The command line", ["say where the service is: with --file or with --context"]);
  }
  if (context === undefined) return { manifests: await readManifests({ files: file }, shell) };
  shell.progress(`Connecting to ${context}`);
  const { KubeconfigApiServer } = await import("../live/kubeconfig-api-server.ts");
  const { readCluster } = await import("../live/read-cluster.ts");
  const { findGateway } = await import("./find-gateway.ts");
  const server = await KubeconfigApiServer.connect({ context, kubeconfig, signal: shell.signal });
  const { manifests, skipped } = await readCluster(server, {
    cluster: context,
    namespaces: [namespace],
    progress: shell.progress,
  });
  for (const reason of skipped) shell.tell(`Not looked at: ${reason}`);
  return { manifests, gateway: await findGateway(server) };
}

function routeOf({ route, gateway = "" }: InitOptions, found: string | undefined) {
  const parent = gateway || found;
  if (route === "ingress" || (route === undefined && parent === undefined))
    return { kind: "Ingress" } as const;
  if (parent === undefined || !/^[^/]+\/[^/]+$/.test(parent)) {
    throw new ConfigError("The command line", [
      "--gateway: an HTTPRoute needs its Gateway, as NAMESPACE/NAME",
    ]);
  }
  return { kind: "HTTPRoute", gateway: parent } as const;
}

async function askForBroker(
  { name }: AdoptedService,
  { yes, json }: InitOptions,
  { stdin, signal, tell }: Shell,
): Promise<BrokerName> {
  if (yes) return "none";
  if (json || !("isTTY" in stdin && stdin.isTTY === true)) {
    throw new ConfigError("The command line", [
      `--broker: choose one of ${brokers.join(", ")}, or give --yes`,
    ]);
  }
  tell(`What should wake ${name}?
  sqs       a wake message on SNS and SQS, by Dapr: outlasts restarts, works across accounts
  rabbitmq  the same on RabbitMQ
  none      nothing more to install: KEDA asks the gateway every second`);
  const dialogue = createInterface({ input: stdin, output: process.stderr });
  try {
    for (;;) {
      const answer = (await dialogue.question("broker [none]: ", { signal })).trim() || "none";
      const broker = brokers.find((each) => each === answer);
      if (broker !== undefined) return broker;
      tell(`There is no ${answer}; choose one of ${brokers.join(", ")}.`);
    }
  } finally {
    dialogue.close();
  }
}

function nextCommands(
  { file = [], context }: InitOptions,
  {
    broker,
    folder,
    command,
  }: { readonly broker: BrokerName; readonly folder: string; readonly command: string },
): string[] {
  const subjects = [...file, folder].map((path) => `--file ${path}`).join(" ");
  return [
    ...(broker === "sqs" ? [`${command} provision --file ${folder} --dry-run`] : []),
    ...(context === undefined ? [`${command} doctor ${subjects}`] : []),
    `kubectl apply -k ${folder}`,
  ];
}

function collect(path: string, before?: readonly string[]): string[] {
  return [...(before ?? []), path];
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It must be a whole number from 1 on.");
  return Number(text);
}

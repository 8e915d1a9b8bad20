import { ConfigError } from "@kong-serverless/config";
import { type ExitCode, exitCode } from "@kong-serverless/runtime";
import { Command, InvalidArgumentError } from "commander";

import type { Shell } from "../shell.ts";
import { ClusterStages } from "./cluster-stages.ts";
import { readStageSums, stagesBetween } from "./cold-start-metrics.ts";
import { formatTrace } from "./format-trace.ts";
import { sendTimed } from "./timed-request.ts";
import { readTrace, releasedAfterMs } from "./trace.ts";

interface TraceOptions {
  readonly method: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly timeout: number;
  readonly opsUrl?: string;
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly deployment?: string;
  readonly json?: boolean;
}

const examples = `
The hold is what the plugin reports on the response (x-serverless-held-ms); the backend's part is Kong's own header. --ops-url adds
what the plugin server measured: wake (until the wake message was accepted), start (from then until ready). --context and --deployment
watch the pod that starts: scaled, scheduled, sandbox, sidecars, containers, ready, endpoints.

Examples:
  kong-serverless trace http://localhost:8000/
  kong-serverless trace https://api.example.com/orders --header "authorization: Bearer ..." --json
  kong-serverless trace http://localhost:8000/ --ops-url http://localhost:8090    (kubectl -n kong port-forward ...)
  kong-serverless trace http://localhost:8000/ --context kind-dev --deployment kong-serverless/demo-backend
`;

export function traceCommand(shell: Shell, finish: (code: ExitCode) => void): Command {
  return new Command("trace")
    .argument("<url>", "the address to ask, through the gateway", readUrl)
    .option("--method <name>", "HTTP method", "GET")
    .option("--header <line>", "a header as NAME: VALUE; may be repeated", readHeader)
    .option(
      "--timeout <seconds>",
      "for the whole request; above the gateway's hold time limit",
      readSeconds,
      90,
    )
    .option("--ops-url <url>", "the plugin server's own address, for its cold start stages")
    .option(
      "--context <name>",
      "with --deployment: the kube context of its cluster; nothing is changed there",
    )
    .option("--kubeconfig <file>", "with --context: default $KUBECONFIG, else ~/.kube/config")
    .option(
      "--deployment <namespace/name>",
      "with --context: the scale target whose start is watched",
      readDeployment,
    )
    .option("--json", "print one JSON object")
    .addHelpText("after", examples)
    .action(async (url: URL, options: TraceOptions) => {
      const { method, header, timeout, opsUrl, json } = options;
      const { signal } = shell;
      using cluster = await watchCluster(options, shell);
      const before = opsUrl === undefined ? undefined : await readStageSums(opsUrl, signal);
      const headers = { "user-agent": "kong-serverless-trace", ...header };
      shell.progress(`Waiting for ${url.href}`);
      const sentAtMs = performance.now();
      const response = await sendTimed({ url, method, headers, timeoutMs: timeout * 1000, signal });
      const meanwhile =
        opsUrl === undefined || before === undefined
          ? undefined
          : stagesBetween(before, await readStageSums(opsUrl, signal));
      if (cluster) shell.progress("Waiting for Kubernetes to notice the pod");
      const stages = await cluster?.stages(sentAtMs, releasedAfterMs(response));
      const trace = readTrace(response, { pluginServer: meanwhile, cluster: stages });
      shell.print(
        json ? JSON.stringify({ url: url.href, ...trace }) : formatTrace(trace, `${method} ${url.href}`),
      );
      finish(trace.ok ? exitCode.fine : exitCode.findings);
    });
}

async function watchCluster(
  { context, kubeconfig, deployment }: TraceOptions,
  { signal, progress }: Shell,
): Promise<ClusterStages | undefined> {
  if ((context === undefined) !== (deployment === undefined)) {
    throw new ConfigError("The command line", ["--context and --deployment belong together"]);
  }
  if (context === undefined || deployment === undefined) return undefined;
  // The Kubernetes client takes a second to load.
  progress(`Starting to watch ${deployment} in ${context}`);
  const { KubeconfigApiServer } = await import("../live/kubeconfig-api-server.ts");
  const server = await KubeconfigApiServer.connect({ context, kubeconfig, signal });
  return ClusterStages.watch({ server, deployment, signal });
}

function readDeployment(text: string): string {
  if (!/^[a-z0-9-]+\/[a-z0-9.-]+$/.test(text)) throw new InvalidArgumentError("Allowed: NAMESPACE/NAME.");
  return text;
}

function readUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new InvalidArgumentError("Allowed: an http or https URL.");
  }
  return new URL(text);
}

function readHeader(line: string, headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("Allowed: NAME: VALUE.");
  return { ...headers, [name.toLowerCase()]: value };
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 3600)) throw new InvalidArgumentError("Allowed: up to 3600 seconds.");
  return seconds;
}

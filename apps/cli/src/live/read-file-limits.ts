import { text } from "node:stream/consumers";

import { gatewayServices, type Manifest, type System } from "@kong-serverless/manifests";
import { withDeadline } from "@kong-serverless/runtime";

import type { KubeconfigApiServer } from "./kubeconfig-api-server.ts";

/** A gateway pod whose nginx may open fewer files than configured. */
export interface FileLimit {
  readonly pod: Manifest;
  readonly wanted: number;
  /** The limit that applies; undefined if the log does not say. */
  readonly allowed: number | undefined;
}

/** The container of Kong, in its chart. */
const container = "proxy";
/** Logged by nginx when it starts. */
const startBytes = 128 * 1024;
const timeoutMs = 15_000;

/**
 * Reads from the gateway pods' logs whether nginx could raise its limit of open files: only the node knows beforehand.
 */
export async function readFileLimits(
  server: KubeconfigApiServer,
  system: System,
  signal: AbortSignal,
): Promise<{ readonly limits: readonly FileLimit[]; readonly skipped: readonly string[] }> {
  const limits: FileLimit[] = [];
  const skipped: string[] = [];
  for (const pod of gatewayPods(system)) {
    const query = `container=${container}&limitBytes=${startBytes}`;
    const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/log?${query}`;
    using deadline = withDeadline(timeoutMs, () => new Error(`no answer within ${timeoutMs} ms`), signal);
    try {
      const response = await server.open(path, deadline.signal);
      const log = await text(response);
      if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
      const wanted = /setrlimit\(RLIMIT_NOFILE, (\d+)\) failed/.exec(log)?.[1];
      const allowed = /getrlimit\(RLIMIT_NOFILE\): \d+:(\d+)/.exec(log)?.[1];
      if (wanted === undefined) continue;
      limits.push({
        pod,
        wanted: Number(wanted),
        allowed: allowed === undefined ? undefined : Number(allowed),
      });
    } catch (error) {
      skipped.push(`the log of gateway pod ${pod.name}: ${(error as Error).message}`);
    }
  }
  return { limits, skipped };
}

function gatewayPods(system: System): Manifest[] {
  return gatewayServices(system).flatMap(({ namespace, root }) => {
    const selector = [...root.at("spec", "selector").texts];
    return system.manifests.of("Pod").filter((pod) => {
      const labels = pod.root.at("metadata", "labels");
      return pod.namespace === namespace && selector.every(([key, value]) => labels.at(key).text === value);
    });
  });
}

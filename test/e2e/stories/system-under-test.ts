import { execFile } from "node:child_process";
import { promisify } from "node:util";

import type { Need } from "@kong-serverless/testing";

import { RunningPlayground } from "../running-playground.ts";

/** The system that the stories run on. */
export interface SystemUnderTest extends AsyncDisposable {
  /** Address of the gateway, without a trailing slash. */
  readonly url: string;
  /** How long a backend may take to scale to zero after the last request: retention, cooldown, and a margin. */
  readonly zeroWithinMs: number;
  /** The replicas that a Deployment is scaled to. */
  replicas(deployment: string): Promise<number>;
}

export const backend = "demo-backend";
export const worker = "consumer";
export const isCluster = process.env["E2E_TARGET"] === "cluster";

export const cluster: Need = {
  what: "a cluster",
  remedy: "deploy the dev overlay to one, and set E2E_TARGET=cluster",
  isMet: isCluster,
};

/**
 * The playground or, with `E2E_TARGET=cluster`, the cluster of the current kube context, with its gateway at
 * `E2E_GATEWAY_URL` (skaffold forwards http://127.0.0.1:8000).
 */
export async function startSystem(): Promise<SystemUnderTest> {
  if (isCluster) return new ClusterSystem(process.env["E2E_GATEWAY_URL"] ?? "http://127.0.0.1:8000");
  const playground = await RunningPlayground.spawn(["--daprd", process.env["DAPRD"] ?? "daprd"]);
  return new PlayedSystem(await playground.url(), playground);
}

/** Replaces a Deployment's pods, as a new version does. Needs a cluster: the playground has no rollouts. */
export async function rollOut(deployment: string): Promise<void> {
  const of = [`deployment/${deployment}`, "-n", "kong-serverless"];
  await promisify(execFile)("kubectl", ["rollout", "restart", ...of], { timeout: 10_000 });
  await promisify(execFile)("kubectl", ["rollout", "status", ...of, "--timeout=120s"], { timeout: 130_000 });
}

class PlayedSystem implements SystemUnderTest {
  readonly url: string;
  readonly zeroWithinMs = 40_000;
  readonly #playground: RunningPlayground;

  constructor(url: string, playground: RunningPlayground) {
    this.url = url;
    this.#playground = playground;
  }

  /** Read from the playground's output. */
  replicas(deployment: string): Promise<number> {
    const changes = [
      ...this.#playground.app.output.matchAll(new RegExp(`^${deployment}: \\d+ -> (\\d+) `, "gm")),
    ];
    return Promise.resolve(Number(changes.at(-1)?.[1] ?? 0));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#playground[Symbol.asyncDispose]();
  }
}

class ClusterSystem implements SystemUnderTest {
  readonly url: string;
  readonly zeroWithinMs = 240_000;

  constructor(url: string) {
    this.url = url;
  }

  async replicas(deployment: string): Promise<number> {
    const args = [
      "get",
      "deployment",
      deployment,
      "-n",
      "kong-serverless",
      "-o",
      "jsonpath={.spec.replicas}",
    ];
    const { stdout } = await promisify(execFile)("kubectl", args, { timeout: 10_000 });
    return Number(stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

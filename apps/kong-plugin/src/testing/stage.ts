import { join } from "node:path";

import { bundleOnce, ScriptedBackend, ScriptedSidecar } from "@kong-serverless/testing";
import { beforeAll, inject } from "vitest";

import { Gateway, type GatewayOptions } from "./gateway.ts";

/** The plugin's configuration in most tests: one route, one backend, probed at the route's service. */
export const backendConfig = { name: "demo", health: "/healthz", pubsub: "pubsub", topic: "wake-demo" };
export const config = { holdTimeoutMs: 5000, backend: [backendConfig] };

/**
 * Opens stages with the plugin server, which is bundled once for the tests of all files.
 *
 * @example
 * const openStage = useStage();
 * test("...", async () => {
 *   await using stage = await openStage();
 * });
 */
export function useStage(): (options?: Partial<GatewayOptions>) => Promise<Stage> {
  let entry: string;
  beforeAll(async () => {
    entry = await bundleOnce(join(import.meta.dirname, "../.."), inject("bundleFolder"));
  });
  return (options) => Stage.open({ entry, ...options });
}

/** A backend that sleeps at first, a sidecar that takes messages, and the gateway before them; ended together. */
export class Stage {
  readonly backend: ScriptedBackend;
  readonly sidecar: ScriptedSidecar;
  readonly gateway: Gateway;

  private constructor(backend: ScriptedBackend, sidecar: ScriptedSidecar, gateway: Gateway) {
    this.backend = backend;
    this.sidecar = sidecar;
    this.gateway = gateway;
  }

  static async open(options: Partial<GatewayOptions> & Pick<GatewayOptions, "entry">): Promise<Stage> {
    const backend = await new ScriptedBackend(503).start();
    const sidecar = await new ScriptedSidecar().start();
    const gateway = await Gateway.start({
      config,
      serviceUrl: backend.url,
      sidecarUrl: sidecar.url,
      ...options,
    });
    return new Stage(backend, sidecar, gateway);
  }

  /** How often the plugin has logged this event. */
  count(event: string): number {
    return this.gateway.plugin.log.filter((line) => line.event === event).length;
  }

  /** Resolves once the plugin has logged this event `count` times. */
  async waitForCount(event: string, count: number): Promise<void> {
    await this.gateway.plugin.waitFor(event, { matches: () => this.count(event) >= count });
  }

  /** Sends requests one after another until it is enough. Resolves with their status codes. */
  async requestUntil(isEnough: () => boolean): Promise<number[]> {
    const statuses: number[] = [];
    while (!isEnough()) statuses.push((await this.gateway.request()).status);
    return statuses;
  }

  /** Brings the backend to ready by a request. */
  async warmUp(): Promise<void> {
    this.backend.become(200);
    await this.gateway.request();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    await this.sidecar.stop();
    await this.backend.stop();
  }
}

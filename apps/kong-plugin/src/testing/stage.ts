import { join } from "node:path";

import { bundleOnce, ScriptedSidecar } from "@kong-serverless/testing";
import { beforeAll, inject } from "vitest";

import { Gateway, type GatewayOptions } from "./gateway.ts";
import { KongGateway } from "./kong-gateway.ts";
import { NginxGateway, type NginxGatewayOptions } from "./nginx-gateway.ts";
import { PatientBackend } from "./patient-backend.ts";

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
export function useStage(): (options?: StageOptions<GatewayOptions>) => Promise<Stage> {
  return useStageOf((options) => Gateway.start(options));
}

/** The same with nginx and the Lua form of the plugin in Kong's place. */
export function useNginxStage(): (
  options?: StageOptions<NginxGatewayOptions>,
) => Promise<Stage<NginxGateway>> {
  return useStageOf((options) => NginxGateway.start(options));
}

/** The same with a real Kong, where there is one. */
export function useKongStage(): (options?: StageOptions<GatewayOptions>) => Promise<Stage<KongGateway>> {
  return useStageOf((options) => KongGateway.start(options));
}

function useStageOf<Options extends GatewayOptions, G extends StageGateway>(
  start: (options: Options) => Promise<G>,
): (options?: StageOptions<Options>) => Promise<Stage<G>> {
  let entry: string;
  beforeAll(async () => {
    entry = await bundleOnce(join(import.meta.dirname, "../.."), inject("bundleFolder"));
  });
  return async ({ backend: given, ...options } = {}) => {
    const backend = await (given ?? new PatientBackend(503)).start();
    const sidecar = await new ScriptedSidecar().start();
    const parts = { config, serviceUrl: backend.url, sidecarUrl: sidecar.url, entry };
    const gateway = await start({ ...parts, ...options } as unknown as Options);
    return new Stage(backend, sidecar, gateway);
  };
}

type StageOptions<Options> = Partial<Options> & { readonly backend?: PatientBackend };
type StageGateway = (Gateway | NginxGateway | KongGateway) & {
  request(): Promise<{ readonly status: number }>;
};

/** A backend that sleeps at first, a sidecar that takes messages, and the gateway before them; ended together. */
export class Stage<G extends StageGateway = Gateway> {
  readonly backend: PatientBackend;
  readonly sidecar: ScriptedSidecar;
  readonly gateway: G;

  constructor(backend: PatientBackend, sidecar: ScriptedSidecar, gateway: G) {
    this.backend = backend;
    this.sidecar = sidecar;
    this.gateway = gateway;
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

  async demand(name = "demo"): Promise<{ readonly held: number; readonly inFlight: number }> {
    const { held, inFlight } = (await (await this.gateway.ops(`/demand/${name}`)).json()) as {
      held: number;
      inFlight: number;
    };
    return { held, inFlight };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
    await this.sidecar.stop();
    await this.backend.stop();
  }
}

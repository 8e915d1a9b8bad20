import { join } from "node:path";

import { bundleOnce, ScriptedSidecar } from "@kong-serverless/testing";
import { beforeAll, inject } from "vitest";

import { KongGateway } from "./kong-gateway.ts";
import { NginxGateway, type NginxGatewayOptions } from "./nginx-gateway.ts";
import { PatientBackend } from "./patient-backend.ts";
import { TestGateway, type TestGatewayOptions } from "./test-gateway.ts";

/** The plugin's configuration in most tests: one route, one backend, probed at the route's service. */
export const backendConfig = { name: "demo", health: "/healthz", pubsub: "pubsub", topic: "wake-demo" };
export const config = { holdTimeoutMs: 5000, backend: [backendConfig] };

/**
 * Starts systems with the plugin server, which is bundled once for all test files.
 *
 * @example
 * const startSystem = useTestSystem();
 * test("...", async () => {
 *   await using system = await startSystem();
 * });
 */
export function useTestSystem(): (options?: TestSystemOptions<TestGatewayOptions>) => Promise<TestSystem> {
  return useTestSystemOf((options) => TestGateway.start(options));
}

/** The same with nginx and the Lua form of the plugin in Kong's place. */
export function useNginxTestSystem(): (
  options?: TestSystemOptions<NginxGatewayOptions>,
) => Promise<TestSystem<NginxGateway>> {
  return useTestSystemOf((options) => NginxGateway.start(options));
}

/** The same with a real Kong, if there is one. */
export function useKongTestSystem(): (
  options?: TestSystemOptions<TestGatewayOptions>,
) => Promise<TestSystem<KongGateway>> {
  return useTestSystemOf((options) => KongGateway.start(options));
}

function useTestSystemOf<Options extends TestGatewayOptions, G extends SystemGateway>(
  start: (options: Options) => Promise<G>,
): (options?: TestSystemOptions<Options>) => Promise<TestSystem<G>> {
  let entry: string;
  beforeAll(async () => {
    entry = await bundleOnce(join(import.meta.dirname, "../.."), inject("bundleFolder"));
  });
  return async ({ backend: given, ...options } = {}) => {
    const backend = await (given ?? new PatientBackend(503)).start();
    const sidecar = await new ScriptedSidecar().start();
    const parts = { config, serviceUrl: backend.url, sidecarUrl: sidecar.url, entry };
    const gateway = await start({ ...parts, ...options } as unknown as Options);
    return new TestSystem(backend, sidecar, gateway);
  };
}

type TestSystemOptions<Options> = Partial<Options> & { readonly backend?: PatientBackend };
type SystemGateway = (TestGateway | NginxGateway | KongGateway) & {
  request(): Promise<{ readonly status: number }>;
};

/** A backend that sleeps at first, a sidecar that accepts messages, and the gateway in front of them; they end together. */
export class TestSystem<G extends SystemGateway = TestGateway> {
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

  /** Sends requests one after another until `isEnough`. Resolves with their status codes. */
  async requestUntil(isEnough: () => boolean | Promise<boolean>): Promise<number[]> {
    const statuses: number[] = [];
    while (!(await isEnough())) statuses.push((await this.gateway.request()).status);
    return statuses;
  }

  /** Starts the backend by a request. */
  async warmUp(): Promise<void> {
    this.backend.become(503, 200);
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

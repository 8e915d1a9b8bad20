import { setTimeout as sleep } from "node:timers/promises";

import type { Need } from "@kong-serverless/testing";

import { PluginSide } from "./plugin-side.ts";
import { type ClientResponse, sendRequest } from "./send-request.ts";
import type { TestGatewayOptions, TestRequest } from "./test-gateway.ts";

/**
 * A real Kong, started beforehand without a database and with the Lua form of the plugin: `KONG` is the address of its admin API,
 * `KONG_PROXY` that of its proxy, and `KONG_SERVERLESS_HTTP_SOCKET` the path at which it expects the plugin server.
 */
const { KONG: adminUrl, KONG_PROXY: proxyUrl, KONG_SERVERLESS_HTTP_SOCKET: httpSocket } = process.env;

export const realKong: Need = {
  what: "a real Kong",
  remedy: "start one with the plugin, and set KONG, KONG_PROXY and KONG_SERVERLESS_HTTP_SOCKET",
  isMet: adminUrl !== undefined && proxyUrl !== undefined && httpSocket !== undefined,
};

/** A Kong that is configured through its admin API, in front of the test's own plugin server. */
export class KongGateway extends PluginSide {
  readonly #options: TestGatewayOptions;
  #configurations = 0;

  private constructor(options: TestGatewayOptions, directory: AsyncDisposable & { readonly path: string }) {
    super({ ...options, env: { ...options.env, KONG_SERVERLESS_HTTP_SOCKET: httpSocket ?? "" } }, directory);
    this.#options = options;
  }

  /** Resolves once the plugin server knows Kong's configuration. */
  static async start(options: TestGatewayOptions): Promise<KongGateway> {
    const gateway = new KongGateway(options, await PluginSide.makeDirectory());
    await gateway.started();
    await gateway.reload(options.config);
    return gateway;
  }

  /** Gives the route another configuration; resolves once all workers have it. */
  async reload(config: TestGatewayOptions["config"]): Promise<void> {
    this.#configurations += 1;
    const marker = `/configured-${process.pid}-${this.#configurations}-${Date.now()}`;
    const response = await fetch(`${adminUrl}/config`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(this.#declaration(config, marker)),
    });
    if (!response.ok) throw new Error(`Kong refuses the configuration: ${await response.text()}`);
    // Each worker adopts it by itself; connections are spread over them.
    for (let seen = 0; seen < 20;) {
      // For a worker with the old configuration it is a request like any other, which must not wake the backend.
      const { status } = await this.request({ path: marker, headers: { "user-agent": "kube-probe" } });
      seen = status === 204 ? seen + 1 : 0;
      if (status !== 204) await sleep(20);
    }
    await this.#untilReported();
  }

  request(request: TestRequest = {}): Promise<ClientResponse> {
    const { hostname, port } = new URL(proxyUrl ?? "");
    return sendRequest({ host: hostname, port }, request);
  }

  /** A report brings the configuration, and ends leases that are left from the test before. */
  async #untilReported(): Promise<void> {
    const isRefused = () => this.plugin.log.some(({ event }) => event === "instance.refused");
    const isKnown = async () =>
      (await (await this.ops("/metrics")).text()).includes("serverless_requests_total{");
    while (!isRefused() && !(await isKnown())) await sleep(20);
  }

  #declaration(config: object, marker: string): object {
    return {
      _format_version: "3.0",
      services: [
        {
          name: "demo",
          url: this.#options.serviceUrl,
          // So that the plugin, and the test, see a failure at once.
          retries: 0,
          routes: [
            {
              name: "demo",
              paths: this.#options.routePaths ?? ["/"],
              plugins: [{ name: "serverless", config }],
            },
            {
              name: "marker",
              paths: [marker],
              plugins: [{ name: "request-termination", config: { status_code: 204 } }],
            },
          ],
        },
      ],
    };
  }
}

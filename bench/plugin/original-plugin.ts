import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";

import type { Kong, InstanceConfig, PluginInstance } from "@kong-serverless/plugin-server";
import { sleep } from "@kong-serverless/runtime";

interface OriginalConfig {
  readonly count: number;
  readonly interval: number;
  readonly sidecarUrl: string;
  readonly backend: readonly {
    readonly target: string;
    /** Address of the readiness URL. */
    readonly health: string;
    readonly pubsub: string;
    readonly topic: string;
  }[];
}

const agent = new Agent({ keepAlive: true });

/**
 * What the plugin that this project descends from does for every request: publish a message through the sidecar, then
 * poll the readiness URL until it answers. It uses the fastest HTTP client at hand, so that the approach is measured
 * and not the client.
 */
export class OriginalPlugin implements PluginInstance {
  readonly #config: OriginalConfig;

  constructor(config: InstanceConfig) {
    this.#config = config as unknown as OriginalConfig;
  }

  async access(kong: Kong): Promise<void> {
    const path = await kong.request.getPath();
    const { backend: backends, sidecarUrl, count, interval } = this.#config;
    const backend = backends.find(({ target }) => path.startsWith(target));
    if (backend === undefined) return;
    const { pubsub, topic, health } = backend;
    await fetchStatus("POST", `${sidecarUrl}/v1.0/publish/${pubsub}/${topic}`, JSON.stringify({ path }));
    for (let probes = 0; probes < count; probes += 1) {
      if ((await fetchStatus("GET", health)) < 400) return;
      await sleep(interval);
    }
  }
}

function fetchStatus(method: string, url: string, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const asked = request(url, { method, agent, headers }, (response) => {
      text(response).then(() => resolve(response.statusCode ?? 0), reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

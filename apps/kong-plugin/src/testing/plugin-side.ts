import { join } from "node:path";

import { makeSocketDirectory } from "@kong-serverless/kong-protocol/testing";
import { fetchSamples, sleep, sumSamples } from "@kong-serverless/runtime";
import { spawnApp, type SpawnedApp } from "@kong-serverless/testing";

export interface PluginSideOptions {
  /** The plugin server's script. */
  readonly entry: string;
  readonly sidecarUrl: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The part behind any gateway: the real plugin server in its own process, with the directory of its sockets. */
export class PluginSide {
  readonly #options: PluginSideOptions;
  readonly directory: AsyncDisposable & { readonly path: string };
  plugin: SpawnedApp;
  #opsUrl = "";

  protected constructor(options: PluginSideOptions, directory: AsyncDisposable & { readonly path: string }) {
    this.#options = options;
    this.directory = directory;
    this.plugin = this.spawn();
  }

  protected static makeDirectory(): ReturnType<typeof makeSocketDirectory> {
    return makeSocketDirectory();
  }

  /** Starts another plugin server, after the former has ended or while it still runs. */
  async restartPlugin(): Promise<void> {
    this.plugin = this.spawn();
    await this.started();
  }

  /** Another plugin server on the same socket. */
  spawn(env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): SpawnedApp {
    return spawnApp({
      entry: this.#options.entry,
      args,
      env: {
        KONG_SERVERLESS_SOCKET: this.socketPath,
        DAPR_HTTP_ENDPOINT: this.#options.sidecarUrl,
        OPS_HOST: "127.0.0.1",
        OPS_PORT: "0",
        LOG_LEVEL: "debug",
        ...this.#options.env,
        ...env,
      },
    });
  }

  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return sumSamples(await fetchSamples(this.#opsUrl), name, labels);
  }

  /** Resolves once the sum of a metric's series is `value`; fails when that takes too long. */
  async waitForMetric(
    name: string,
    value: number,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    for (let attempt = 0; attempt < 400; attempt += 1) {
      if ((await this.metric(name, labels)) === value) return;
      await sleep(10);
    }
    throw new Error(`${name} is ${await this.metric(name, labels)} instead of ${value}`);
  }

  async ops(path: string): Promise<Response> {
    return fetch(this.#opsUrl + path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.plugin[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }

  protected get socketPath(): string {
    return join(this.directory.path, "serverless.socket");
  }

  protected async started(): Promise<void> {
    const { opsPort } = await this.plugin.waitFor("service.started");
    this.#opsUrl = `http://127.0.0.1:${opsPort as number}`;
  }
}

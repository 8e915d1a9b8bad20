import { spawn } from "node:child_process";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";

import { luaPluginFolder } from "@kong-serverless/lua-plugin";
import { SpawnedApp } from "@kong-serverless/testing";

import { PluginSide } from "./plugin-side.ts";
import { type ClientResponse, sendRequest } from "./send-request.ts";
import type { TestGatewayOptions, TestRequest } from "./test-gateway.ts";

const defaultWorkers = 2;

export interface NginxGatewayOptions extends TestGatewayOptions {
  /** nginx's directive for the plugin's dictionary; empty: none. */
  readonly sharedDict?: string;
  /** host:port of the service, if nginx cannot look up its name in `serviceUrl`. */
  readonly upstream?: string;
}

/** An nginx that runs the Lua form of the plugin, with a stand-in for Kong around it, in front of the real plugin server. */
export class NginxGateway extends PluginSide {
  readonly #options: NginxGatewayOptions;
  nginx: SpawnedApp;

  private constructor(options: NginxGatewayOptions, directory: AsyncDisposable & { readonly path: string }) {
    super(options, directory);
    this.#options = options;
    this.nginx = this.#spawnNginx();
  }

  /** Resolves once both take requests. */
  static async start(options: NginxGatewayOptions): Promise<NginxGateway> {
    const directory = await PluginSide.makeDirectory();
    await prepare(directory.path, options);
    const gateway = new NginxGateway(options, directory);
    await gateway.started();
    await gateway.#untilWorkers(options.workers ?? defaultWorkers);
    return gateway;
  }

  /** The processes that serve, including old ones after a reload. */
  get workerPids(): readonly number[] {
    const started = this.nginx.output.matchAll(/start worker process (\d+)/g);
    return [...started].map(([, pid]) => Number(pid)).filter(isRunning);
  }

  /** Gives the route another configuration by a reload; resolves once only new workers take requests. */
  async reload(config: TestGatewayOptions["config"] = this.#options.config): Promise<void> {
    await writeRoutes(this.directory.path, { ...this.#options, config });
    const before = this.#workersStarted;
    this.nginx.signal("SIGHUP");
    await this.#untilWorkers(before + 2);
    await this.nginx.waitForOutput(new RegExp(`(?:gracefully shutting down[^]*){${before}}`));
  }

  /** Kills a worker; resolves once nginx has replaced it. */
  async killWorker(pid: number): Promise<void> {
    const before = this.#workersStarted;
    process.kill(pid, "SIGKILL");
    await this.#untilWorkers(before + 1);
  }

  request(request: TestRequest & { readonly method?: string } = {}): Promise<ClientResponse> {
    return sendRequest({ socketPath: this.#proxyPath }, request);
  }

  /** A client's connection, on which the test may send or break off anything. */
  connect(): Socket {
    return connect(this.#proxyPath);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    // A killed master would leave its workers behind.
    this.nginx.signal("SIGTERM");
    await this.nginx.exited;
    await super[Symbol.asyncDispose]();
  }

  get #proxyPath(): string {
    return join(this.directory.path, "proxy.socket");
  }

  get #workersStarted(): number {
    return this.nginx.output.match(/start worker process \d+/g)?.length ?? 0;
  }

  async #untilWorkers(count: number): Promise<void> {
    await this.nginx.waitForOutput(new RegExp(`(?:start worker process \\d+[^]*){${count}}`));
  }

  #spawnNginx(): SpawnedApp {
    const { path } = this.directory;
    return new SpawnedApp(
      spawn("nginx", ["-p", path, "-c", join(path, "nginx.conf"), "-e", "stderr"], {
        cwd: path,
        env: {
          PATH: process.env["PATH"] ?? "",
          KONG_SERVERLESS_HTTP_SOCKET: join(path, "serverless-http.socket"),
        },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
  }
}

async function prepare(directory: string, options: NginxGatewayOptions): Promise<void> {
  await mkdir(join(directory, "lua/kong/plugins"), { recursive: true });
  await mkdir(join(directory, "tmp"), { mode: 0o777 });
  await symlink(luaPluginFolder, join(directory, "lua/kong/plugins/serverless"));
  const own = join(import.meta.dirname, "nginx");
  await symlink(join(own, "stand_in.lua"), join(directory, "lua/stand_in.lua"));
  const {
    sharedDict = "lua_shared_dict kong_serverless 4m;",
    serviceUrl,
    workers = defaultWorkers,
  } = options;
  const template = await readFile(join(own, "nginx.conf"), "utf8");
  const settings = {
    DIRECTORY: directory,
    SHARED_DICT: sharedDict,
    UPSTREAM: options.upstream ?? new URL(serviceUrl).host,
    WORKERS: String(workers),
  };
  const conf = Object.entries(settings).reduce(
    (filled, [name, value]) => filled.replaceAll(`{{${name}}}`, value),
    template,
  );
  await writeFile(join(directory, "nginx.conf"), conf);
  await writeRoutes(directory, options);
}

/** Stands for Kong's declarative configuration. */
async function writeRoutes(
  directory: string,
  { config, serviceUrl, routePaths }: TestGatewayOptions,
): Promise<void> {
  const { hostname, port } = new URL(serviceUrl);
  const route = {
    config,
    service: { protocol: "http", host: hostname, port: Number(port) },
    route: { paths: routePaths ?? ["/"], strip_path: true },
  };
  await writeFile(join(directory, "routes.json"), JSON.stringify({ route }));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

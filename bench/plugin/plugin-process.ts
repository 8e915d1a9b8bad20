import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { makeSocketDirectory } from "@kong-serverless/kong-protocol/testing";
import { sleep } from "@kong-serverless/runtime";
import { spawnApp, type SpawnAppOptions, type SpawnedApp } from "@kong-serverless/testing";

/** Longest time that a process may take to serve its socket, on a machine that is busy. */
const startTimeoutMs = 60_000;

/** A plugin server in a process of its own. */
export interface PluginProcess extends AsyncDisposable {
  readonly app: SpawnedApp;
  readonly socketPath: string;
}

/** Starts a process that serves a socket in a new directory; resolves once it does. */
export async function startPluginProcess(
  optionsFor: (socket: { readonly directory: string; readonly name: string }) => SpawnAppOptions,
): Promise<PluginProcess> {
  const directory = await makeSocketDirectory();
  const name = "plugin.socket";
  const socketPath = join(directory.path, name);
  const app = spawnApp(optionsFor({ directory: directory.path, name }));
  const dispose = async () => {
    await app[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  };
  try {
    await Promise.race([untilServed(socketPath), app.exited.then(() => failToStart(app))]);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { app, socketPath, [Symbol.asyncDispose]: dispose };
}

/** The product's own process, as it is delivered, with `nodeArgs` for Node. */
export function startServerless(
  sidecarUrl: string,
  nodeArgs: readonly string[] = [],
): Promise<PluginProcess> {
  return startPluginProcess(({ directory, name }) => ({
    entry: fileURLToPath(import.meta.resolve("@kong-serverless/kong-plugin/main")),
    nodeArgs,
    env: {
      KONG_SERVERLESS_SOCKET: join(directory, name),
      DAPR_HTTP_ENDPOINT: sidecarUrl,
      OPS_HOST: "127.0.0.1",
      OPS_PORT: "0",
    },
  }));
}

async function untilServed(socketPath: string): Promise<void> {
  const giveUpAtMs = performance.now() + startTimeoutMs;
  while (!(await isServed(socketPath))) {
    if (performance.now() > giveUpAtMs) throw new Error(`${socketPath} is not served in time`);
    await sleep(10);
  }
}

/** Connects and leaves at once: whether somebody listens, with room to accept. */
export function isServed(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

function failToStart(app: SpawnedApp): never {
  throw new Error(`the plugin server has ended:\n${app.output}`);
}

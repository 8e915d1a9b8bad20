import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import type { Conversation } from "./conversation.ts";
import { msgpack, startMsgpackInstance } from "./msgpack.ts";
import { type PluginProcess, startPluginProcess, startServerless } from "./plugin-process.ts";
import { protobuf, startProtobufInstance } from "./protobuf.ts";

export interface ServerVariant {
  readonly conversation: Conversation;
  readonly eventName: "access" | "log";
  /** Starts its server, whose sidecar and backend are at `upstreamUrl`. */
  start(upstreamUrl: string): Promise<PluginProcess>;
  /** Starts its plugin instance there; resolves with what begins an event of it. */
  startInstance(socketPath: string, upstreamUrl: string): Promise<(eventName: string) => Buffer>;
}

const backend = { health: "/healthz", pubsub: "pubsub", topic: "wake-bench" };
/** The path of the answers to `get_path` is below it. */
const target = "/kong/consumer";

/** What is measured side by side on the warm path. */
export const serverVariants = {
  "stock-empty": {
    conversation: msgpack,
    eventName: "access",
    start: startStock,
    startInstance: (socketPath) => startMsgpackInstance(socketPath, "empty", {}),
  },
  empty: {
    conversation: protobuf,
    eventName: "access",
    start: () => startSmall("empty"),
    startInstance: (socketPath) => startProtobufInstance(socketPath, "empty", {}),
  },
  serverless: serverless("access", {}),
  "serverless-target": serverless("access", { target }),
  "serverless-log": serverless("log", {}),
  original: {
    conversation: protobuf,
    eventName: "access",
    start: () => startSmall("original"),
    startInstance: (socketPath, upstreamUrl) =>
      startProtobufInstance(socketPath, "original", {
        count: 300,
        interval: 100,
        sidecarUrl: upstreamUrl,
        backend: [{ ...backend, target, health: upstreamUrl + backend.health }],
      }),
  },
} satisfies Record<string, ServerVariant>;

export type ServerVariantName = keyof typeof serverVariants;

function serverless(eventName: "access" | "log", match: object): ServerVariant {
  return {
    conversation: protobuf,
    eventName,
    start: (upstreamUrl) => startServerless(upstreamUrl),
    startInstance: (socketPath, upstream) =>
      startProtobufInstance(socketPath, "serverless", { backend: [{ ...backend, ...match, upstream }] }),
  };
}

function startSmall(name: string): Promise<PluginProcess> {
  return startPluginProcess(({ directory, name: socketName }) => ({
    entry: pathOf("server.ts"),
    args: [name, `${directory}/${socketName}`],
  }));
}

/** kong-pdk's server as it is installed, with a directory of one plugin. */
function startStock(): Promise<PluginProcess> {
  const entry = fileURLToPath(import.meta.resolve("kong-pdk/bin/kong-js-pluginserver"));
  return startPluginProcess(({ directory, name }) => ({
    entry,
    args: ["--plugins-directory", pathOf("stock"), "--kong-prefix", directory, "--sock-name", name],
    // Its ts-node takes the compiler and the settings of the working directory, and knows neither of this repository's.
    env: { TS_NODE_CWD: dirname(entry), TS_NODE_SKIP_PROJECT: "true" },
  }));
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

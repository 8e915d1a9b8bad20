import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import type { Conversation } from "./conversation.ts";
import { msgpack, startMsgpackInstance } from "./msgpack.ts";
import { type PluginProcess, startPluginProcess, startServerless } from "./plugin-process.ts";
import { protobuf, startProtobufInstance } from "./protobuf.ts";

export interface ServerVariant {
  readonly conversation: Conversation;
  readonly eventName: "access" | "log";
  /** Starts its server, with its sidecar and backend at `upstreamUrl`. */
  start(upstreamUrl: string): Promise<PluginProcess>;
  /** Starts its plugin instance there; resolves with a function that makes the first bytes of an event. */
  startInstance(socketPath: string, upstreamUrl: string): Promise<(eventName: string) => Buffer>;
}

const backend = { health: "/healthz", pubsub: "pubsub", topic: "wake-bench" };
/** Answers to `get_path` are below this path. */
const target = "/kong/consumer";

/** The variants that are compared on the warm path. */
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

/** kong-pdk's server as installed, with a directory of one plugin. */
function startStock(): Promise<PluginProcess> {
  const entry = fileURLToPath(import.meta.resolve("kong-pdk/bin/kong-js-pluginserver"));
  return startPluginProcess(({ directory, name }) => ({
    entry,
    args: ["--plugins-directory", pathOf("stock"), "--kong-prefix", directory, "--sock-name", name],
    // Its ts-node would use the working directory's compiler and settings, and works with neither of this repository's.
    env: { TS_NODE_CWD: dirname(entry), TS_NODE_SKIP_PROJECT: "true" },
  }));
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

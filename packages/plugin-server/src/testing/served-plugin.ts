import { join } from "node:path";

import { makeSocketDirectory } from "@kong-serverless/kong-protocol/testing";
import { RecordingLog } from "@kong-serverless/testing";

import { type PluginInstance, type PluginModule, PluginServer, type PluginServerOptions } from "../index.ts";

/** A plugin whose class has these methods. */
export function pluginOf(handlers: PluginInstance): PluginModule {
  function Tested() {
    return Object.create(handlers) as PluginInstance;
  }
  Tested.prototype = handlers;
  const Plugin = Tested as unknown as PluginModule["Plugin"];
  return { Plugin, Name: "tested", Version: "1.0.0", Priority: 1, Schema: [] };
}

export interface ServedPlugin extends AsyncDisposable {
  readonly server: PluginServer;
  readonly socketPath: string;
  readonly log: RecordingLog;
}

/** A plugin of these handlers, served on a socket until its `using` scope ends. */
export async function serve(
  handlers: PluginInstance | PluginModule,
  options: Partial<PluginServerOptions> = {},
): Promise<ServedPlugin> {
  const directory = await makeSocketDirectory();
  const socketPath = options.socketPath ?? join(directory.path, "tested.socket");
  const log = new RecordingLog();
  const plugin = "Plugin" in handlers ? handlers : pluginOf(handlers);
  const server = new PluginServer({ ...options, socketPath, plugin, log });
  await server.start();
  return {
    server,
    socketPath,
    log,
    async [Symbol.asyncDispose]() {
      await server.stop({ graceMs: 0, idleMs: 0 });
      await directory[Symbol.asyncDispose]();
    },
  };
}

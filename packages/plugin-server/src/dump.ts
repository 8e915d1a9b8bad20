import { phasesOf, type PluginModule } from "./plugin-module.ts";

/** What Kong's `pluginserver_*_query_cmd` must print as JSON: which plugin is served, by which protocol, on which socket. */
export function dump(plugin: PluginModule, socketPath: string): object {
  return {
    Protocol: "ProtoBuf:1",
    SocketPath: socketPath,
    Plugins: [
      {
        Name: plugin.Name,
        Version: plugin.Version,
        Priority: plugin.Priority,
        Phases: phasesOf(plugin),
        Schema: schemaOf(plugin),
      },
    ],
  };
}

/** The plugin's schema as a whole, in Kong's schema language. */
export function schemaOf(plugin: PluginModule): object {
  return { name: plugin.Name, fields: [{ config: { type: "record", fields: plugin.Schema } }] };
}

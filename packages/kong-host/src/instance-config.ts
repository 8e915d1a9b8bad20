import type { PluginEntity } from "./plugin-entity.ts";

/** An arbitrary but fixed workspace: there is one only outside of Kong's enterprise edition. */
const workspaceId = "0dc6f45b-8f8d-40d2-a504-473544ee190b";

/** What an instance is started with: the plugin's configuration and what Kong adds to it. */
export function instanceConfig({ id, name, config, routeId, serviceId, seq }: PluginEntity): object {
  return {
    ...config,
    ...(routeId === undefined ? {} : { route_id: routeId }),
    ...(serviceId === undefined ? {} : { service_id: serviceId }),
    __plugin_id: id,
    __key__: `plugins:${name}:${routeId ?? ""}:${serviceId ?? ""}:::${workspaceId}`,
    __seq__: seq,
    __ws_id: workspaceId,
  };
}

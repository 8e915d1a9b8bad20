import type { PluginEntity } from "./plugin-entity.ts";

/** Any fixed id: Kong's open-source edition has a single workspace. */
const workspaceId = "0dc6f45b-8f8d-40d2-a504-473544ee190b";

/** The configuration that Kong starts an instance with: the plugin's own and what Kong adds. */
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

import { type GatewayPod, luaFolder, podsOfWorkloads } from "@kong-serverless/manifests";

import { type Fault, fault, type Rule } from "../rule.ts";

export const gatewayIncomplete: Rule = {
  code: "GATEWAY_INCOMPLETE",
  topic: "names",
  severity: "error",
  why: "Kong does not start, does not know the plugin, or answers 500 on every route that has it.",
  fix: "Add what is missing to your own values or manifests, where yours win over the plugin's. docs/existing-kong.md has every part.",
  *check({ gateway: { pod }, workloads }) {
    const pods = [...(pod ? [pod] : []), ...podsOfWorkloads(workloads)];
    for (const candidate of pods.filter(hasPlugin)) yield* missingIn(candidate);
  },
};

/** Whether it runs the plugin beside Kong. The image `kong` has all of it inside, and shows nothing of it here. */
function hasPlugin({ environment, pluginServer }: GatewayPod): boolean {
  const isStartedByKong = environment.has("KONG_PLUGINSERVER_SERVERLESS_START_CMD");
  return pluginServer !== undefined || (!isStartedByKong && sockets.some((name) => environment.has(name)));
}

const luaSocket = "KONG_SERVERLESS_HTTP_SOCKET";
const externalSocket = "KONG_PLUGINSERVER_SERVERLESS_SOCKET";
const sockets = [externalSocket, luaSocket];
const dictionary = "KONG_NGINX_HTTP_LUA_SHARED_DICT";

function* missingIn(pod: GatewayPod): Iterable<Fault> {
  const { title, environment, variablePlace, pluginServer, mounts } = pod;
  const plugins =
    environment.get("KONG_PLUGINS") ?? (environment.has("KONG_PLUGINS") ? undefined : "bundled");
  if (plugins !== undefined && !plugins.split(",").some((name) => name.trim() === "serverless")) {
    yield fault(variablePlace("KONG_PLUGINS"), `${title} loads ${plugins}: not serverless`);
  }
  if (pluginServer === undefined) {
    yield fault(pod.containersPlace, `${title} has no container plugin-server`);
  }
  const isExternal = environment.has(externalSocket);
  const socket = environment.get(isExternal ? externalSocket : luaSocket);
  if (!sockets.some((name) => environment.has(name))) {
    yield fault(
      variablePlace(luaSocket),
      `${title} has no ${luaSocket}: Kong does not find the plugin server`,
    );
  }
  const folder = socket?.replace(/\/[^/]+$/, "");
  if (folder !== undefined && !mounts.has(folder)) {
    yield fault(
      pod.mountsPlace,
      `${title} has its plugin server's socket in ${folder}, which Kong does not mount`,
    );
  }
  if (isExternal) return;
  const dictionaries = environment.get(dictionary);
  if (
    dictionaries === undefined ? !environment.has(dictionary) : !/\bkong_serverless \d/.test(dictionaries)
  ) {
    const found = dictionaries === undefined ? "no" : JSON.stringify(dictionaries);
    yield fault(
      variablePlace(dictionary),
      `${title} has ${found} ${dictionary}: the plugin's own, \`kong_serverless 4m\`, comes after a \`; lua_shared_dict \``,
    );
  }
  if (!mounts.has(`${luaFolder}/serverless`)) {
    yield fault(pod.mountsPlace, `${title} does not have the plugin's Lua files in ${luaFolder}/serverless`);
  }
}

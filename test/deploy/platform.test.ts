import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";

import { type KubernetesObject, root } from "./rendering.ts";

interface KongValues {
  readonly nameOverride: string;
  readonly podLabels: Readonly<Record<string, string>>;
  readonly image: { readonly tag: string };
  readonly plugins: { readonly configMaps: readonly object[] };
  readonly env: Readonly<Record<string, string>>;
  readonly podAnnotations: Readonly<Record<string, string>>;
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly terminationGracePeriodSeconds: number;
  readonly deployment: {
    readonly initContainers: readonly {
      readonly restartPolicy: string;
      readonly env: readonly { readonly name: string; readonly value: string }[];
      readonly ports: readonly { readonly containerPort: number }[];
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
      readonly securityContext: object;
    }[];
    readonly userDefinedVolumes: readonly {
      readonly name: string;
      readonly configMap?: { readonly name: string };
    }[];
    readonly userDefinedVolumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  };
}

const read = (path: string) => readFileSync(join(root, path), "utf8");
const kong = parse(read("deploy/platform/kong/values.yaml")) as KongValues;
const dumpValues = parse(read("deploy/platform/kong/plugin-dump.yaml")) as {
  extraObjects: [{ metadata: { name: string }; data: { "dump.json": string } }];
};
const base = (file: string) =>
  parseAllDocuments(read(`deploy/base/${file}`)).map((document) => document.toJS() as KubernetesObject);
const withoutLua = parse(read("deploy/platform/kong/values-without-lua.yaml")) as Pick<
  KongValues,
  "env" | "plugins" | "deployment"
>;
const luaValues = parse(read("deploy/platform/kong/lua-plugin.yaml")) as {
  extraObjects: [{ metadata: { name: string }; data: Readonly<Record<string, string>> }];
};
const [pluginServer] = kong.deployment.initContainers;

describe("Kong's values", () => {
  test("give the gateway the names that the manifests use", () => {
    const [demand] = base("gateway-demand.yaml");
    expect(demand?.["spec"]).toMatchObject({
      selector: kong.podLabels,
      ports: [{ targetPort: pluginServer?.ports[0]?.containerPort }],
    });
    const pubsub = base("pubsub.yaml").find(({ metadata }) => metadata.namespace === "kong");
    expect(pubsub?.["scopes"]).toEqual([kong.podAnnotations["dapr.io/app-id"]]);
    expect(read("deploy/base/demo-backend.yaml")).toContain(
      `http://kong-${kong.nameOverride}-proxy.kong.svc`,
    );
  });

  test("load the plugin's Lua files, give them their dictionary and never check for clients that leave", () => {
    const [{ metadata, data }] = luaValues.extraObjects;
    expect(kong.plugins.configMaps).toEqual([{ name: metadata.name, pluginName: "serverless" }]);
    expect(Object.keys(data)).toEqual(expect.arrayContaining(["handler.lua", "schema.lua"]));
    expect(kong.env["nginx_http_lua_shared_dict"]).toMatch(/^kong_serverless \d+m$/);
    for (const { env } of [kong, withoutLua])
      expect(env).not.toHaveProperty("nginx_proxy_lua_check_client_abort");
    expect(read("deploy/images/Dockerfile")).not.toMatch(/LUA_CHECK_CLIENT_ABORT/);
  });

  test("give Kong and the plugin server the same sockets, in both forms", () => {
    const socket = pluginServer?.env.find(({ name }) => name === "KONG_SERVERLESS_SOCKET")?.value ?? "";
    const directory = socket.replace(/\/[^/]+$/, "");
    // The plugin server's default socket for the Lua form.
    expect(kong.env["serverless_http_socket"]).toBe(`${directory}/serverless-http.socket`);
    expect(withoutLua.env["pluginserver_serverless_socket"]).toBe(socket);
    const { userDefinedVolumeMounts, userDefinedVolumes } = kong.deployment;
    for (const mounts of [
      pluginServer?.volumeMounts,
      userDefinedVolumeMounts,
      withoutLua.deployment.userDefinedVolumeMounts,
    ]) {
      expect(mounts).toContainEqual({ name: "plugin-socket", mountPath: directory });
    }
    // Helm replaces a list as a whole, so the second file has to repeat the first one's part.
    expect(withoutLua.deployment.userDefinedVolumes).toEqual(expect.arrayContaining([...userDefinedVolumes]));
    const [{ metadata, data }] = dumpValues.extraObjects;
    expect(JSON.parse(data["dump.json"])).toMatchObject({ Protocol: "ProtoBuf:1", SocketPath: socket });
    const volume = withoutLua.deployment.userDefinedVolumes.find(({ name }) => name === "plugin-dump");
    expect(volume?.configMap?.name).toBe(metadata.name);
  });

  test("start the plugin server before Kong and stop it after, as a user that Kong can talk to", () => {
    expect(pluginServer).toMatchObject({ restartPolicy: "Always", securityContext: { runAsUser: 1000 } });
  });

  test("leave time for held requests on a stop, and for the plugin server after Kong", () => {
    const option = (name: string) =>
      Number(
        kong.lifecycle.preStop.exec.command
          .find((part) => part.startsWith(`--${name}=`))
          ?.split("=")
          .at(-1),
      );
    const longestHoldSeconds = 60;
    const pluginServerGraceSeconds = 25;
    expect(option("timeout")).toBeGreaterThan(longestHoldSeconds);
    expect(kong.terminationGracePeriodSeconds).toBeGreaterThan(
      option("wait") + option("timeout") + pluginServerGraceSeconds,
    );
  });

  test("have nothing that Helm would take for a template", () => {
    expect(dumpValues.extraObjects[0].data["dump.json"]).not.toContain("{{");
    expect(JSON.stringify(luaValues)).not.toContain("{{");
  });
});

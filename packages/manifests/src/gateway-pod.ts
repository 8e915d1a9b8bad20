import { title } from "./manifests.ts";
import type { Place } from "./place.ts";
import type { Workload } from "./workload.ts";

/** What the plugin depends on in a pod of the gateway. */
export interface GatewayPod {
  readonly title: string;
  /** Variables of Kong's container, and where they stand or would have to. */
  readonly environment: ReadonlyMap<string, string | undefined>;
  readonly variablePlace: (name: string) => Place;
  /** The plugin server's container, and the list that it belongs in. */
  readonly pluginServer: Place | undefined;
  readonly containersPlace: Place;
  /** Folders that Kong's container has from volumes, and the list of them. */
  readonly mounts: ReadonlySet<string>;
  readonly mountsPlace: Place;
}

const pluginServerName = "plugin-server";

/** The pod that the values of Kong's chart make. */
export function podOfValues(chart: Place): GatewayPod {
  const deployment = chart.at("deployment");
  const loaded = [
    ...chart.at("plugins", "configMaps").items,
    ...chart.at("plugins", "secrets").items,
  ].flatMap((item) => item.at("pluginName").text ?? []);
  const preInstalled = chart.at("plugins", "preInstalled").text?.split(",") ?? [];
  const variables = [...chart.at("env").entries].map(([name, place]): [string, string | undefined] => [
    `KONG_${name.toUpperCase()}`,
    place.scalar,
  ]);
  const place = (name: string) =>
    name === "KONG_PLUGINS" && !chart.at("env", "plugins").exists
      ? chart.at("plugins", "configMaps")
      : chart.at("env", name.replace(/^KONG_/, "").toLowerCase());
  return {
    title: "Kong's chart",
    environment: new Map([["KONG_PLUGINS", ["bundled", ...loaded, ...preInstalled].join(",")], ...variables]),
    variablePlace: place,
    pluginServer: findPluginServer([
      ...deployment.at("initContainers").items,
      ...deployment.at("sidecarContainers").items,
    ]),
    containersPlace: deployment.at("initContainers"),
    mounts: new Set([
      ...loaded.map((name) => `${luaFolder}/${name}`),
      ...mountsOf(deployment.at("userDefinedVolumeMounts")),
    ]),
    mountsPlace: deployment.at("userDefinedVolumeMounts"),
  };
}

/** The gateway's pods as manifests have them: of a Kong without Helm, of a rendered chart, or of a live cluster. */
export function podsOfWorkloads(workloads: readonly Workload[]): GatewayPod[] {
  return workloads.flatMap((workload) => {
    const { manifest, containers, template } = workload;
    const kong = containers.find(({ environment }) =>
      environment.some(({ name }) => /^KONG_(?!SERVERLESS_SOCKET)/.test(name)),
    );
    return kong === undefined
      ? []
      : [
          {
            title: title(manifest),
            environment: new Map(kong.environment.map(({ name, value }) => [name, value])),
            variablePlace: (name) =>
              kong.environment.find((variable) => variable.name === name)?.place ?? kong.place.at("env"),
            pluginServer: findPluginServer(containers.map(({ place }) => place)),
            containersPlace: template.at("spec", "initContainers"),
            mounts: new Set(mountsOf(kong.place.at("volumeMounts"))),
            mountsPlace: kong.place.at("volumeMounts"),
          },
        ];
  });
}

/** Where charts and manifests of Kong have the plugins that come from ConfigMaps. */
export const luaFolder = "/opt/kong/plugins";

function findPluginServer(containers: readonly Place[]): Place | undefined {
  return containers.find(
    (place) =>
      place.at("name").text === pluginServerName ||
      place.at("env").items.some((variable) => variable.at("name").text === "KONG_SERVERLESS_SOCKET"),
  );
}

function mountsOf(list: Place): string[] {
  return list.items.flatMap((mount) => mount.at("mountPath").text?.replace(/\/$/, "") ?? []);
}

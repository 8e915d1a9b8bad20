import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";

import { type KubernetesObject, root } from "./rendering.ts";

interface KongValues {
  readonly nameOverride: string;
  readonly image: { readonly tag: string };
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
const [pluginServer] = kong.deployment.initContainers;

describe("Kong's values", () => {
  test("give the gateway the names that the manifests know it by", () => {
    const [demand] = base("gateway-demand.yaml");
    expect(demand?.["spec"]).toMatchObject({
      selector: { "app.kubernetes.io/name": kong.nameOverride, "app.kubernetes.io/instance": "kong" },
      ports: [{ targetPort: pluginServer?.ports[0]?.containerPort }],
    });
    const pubsub = base("pubsub.yaml").find(({ metadata }) => metadata.namespace === "kong");
    expect(pubsub?.["scopes"]).toEqual([kong.podAnnotations["dapr.io/app-id"]]);
    expect(read("deploy/base/demo-backend.yaml")).toContain(
      `http://kong-${kong.nameOverride}-proxy.kong.svc`,
    );
  });

  test("let Kong and the plugin server meet at one socket, of which the dump knows", () => {
    const socket = kong.env["pluginserver_serverless_socket"];
    expect(pluginServer?.env).toEqual([{ name: "KONG_SERVERLESS_SOCKET", value: socket }]);
    const directory = socket?.replace(/\/[^/]+$/, "");
    for (const mounts of [pluginServer?.volumeMounts, kong.deployment.userDefinedVolumeMounts]) {
      expect(mounts).toContainEqual({ name: "plugin-socket", mountPath: directory });
    }
    const [{ metadata, data }] = dumpValues.extraObjects;
    expect(JSON.parse(data["dump.json"])).toMatchObject({ Protocol: "ProtoBuf:1", SocketPath: socket });
    const volume = kong.deployment.userDefinedVolumes.find(({ name }) => name === "plugin-dump");
    expect(volume?.configMap?.name).toBe(metadata.name);
  });

  test("start the plugin server before Kong and stop it after, as a user that Kong can talk to", () => {
    expect(pluginServer).toMatchObject({ restartPolicy: "Always", securityContext: { runAsUser: 1000 } });
  });

  test("leave time for held requests at a stop, and for the plugin server after Kong", () => {
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

  test("hold what Helm would not take for a template", () => {
    expect(dumpValues.extraObjects[0].data["dump.json"]).not.toContain("{{");
  });
});

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { canRun, kustomize, needs } from "@kong-serverless/testing";
import { afterAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";

import type { Finding } from "../../apps/cli/src/doctor/diagnosis.ts";
import { typeFaultsOf } from "./kubernetes-kinds.ts";
import { type KubernetesObject, render, requireKustomize, root, titleOf } from "./rendering.ts";

const existing = join(root, "deploy/platform/kong/existing");
const folder = mkdtempSync(join(tmpdir(), "existing-kong-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface KongContainer {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly lifecycle?: { readonly preStop: object };
}
interface KongDeployment extends KubernetesObject {
  readonly spec: {
    readonly selector: object;
    readonly template: {
      readonly metadata: { readonly labels: object; readonly annotations: object };
      readonly spec: {
        readonly containers: readonly KongContainer[];
        readonly initContainers: readonly KongContainer[];
        readonly volumes: readonly { readonly name: string }[];
        readonly terminationGracePeriodSeconds: number;
      };
    };
  };
}

/** What doctor says of the gateway. */
function doctor(...argv: readonly string[]): Finding[] {
  const cli = join(root, "apps/cli/bin/kong-serverless.js");
  const { stdout, stderr } = spawnSync(process.execPath, [cli, "doctor", "--json", ...argv], {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
  });
  if (stdout === "") throw new Error(stderr);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return findings.filter(({ code }) => code.startsWith("GATEWAY_"));
}

const variablesOf = ({ env = [] }: KongContainer) =>
  Object.fromEntries(env.map(({ name, value }) => [name, value]));
const hasKong = ({ name, env }: KongContainer) =>
  name === "proxy" && env?.some((variable) => variable.name.startsWith("KONG_"));
const gatewayOf = (objects: readonly KubernetesObject[]) =>
  objects.find(
    (object): object is KongDeployment =>
      object.kind === "Deployment" && (object as KongDeployment).spec.template.spec.containers.some(hasKong),
  ) as KongDeployment;
const kongOf = ({ spec }: KongDeployment) => spec.template.spec.containers.find(hasKong) as KongContainer;

const titles = (objects: readonly KubernetesObject[]) => objects.map(titleOf);
/** A Deployment without its pod template. */
const rest = ({ spec }: KongDeployment) => ({ ...spec, template: undefined });
const look = (...values: readonly string[]) => doctor("--overlay", "base", "--kong-values", ...values);

/** A user's values for an existing Kong, which overlap with the plugin's values everywhere. */
const mine = {
  replicaCount: 3,
  env: { nginx_worker_processes: "4", log_level: "warn" },
  podAnnotations: { "prometheus.io/scrape": "true" },
  podLabels: { team: "edge" },
  terminationGracePeriodSeconds: 300,
};
/** The same with lists, to which the plugin's items have been added as docs/existing-kong.md says. */
function withLists(values: typeof mine) {
  const added = parse(readFileSync(join(existing, "values-kong.yaml"), "utf8")) as {
    deployment: { initContainers: object[]; userDefinedVolumes: object[]; userDefinedVolumeMounts: object[] };
    plugins: { configMaps: object[] };
    extraObjects: object[];
  };
  const { deployment } = added;
  return {
    ...values,
    env: { ...values.env, nginx_http_lua_shared_dict: "mine 1m; lua_shared_dict kong_serverless 4m" },
    plugins: { configMaps: [{ name: "mine", pluginName: "mine" }, ...added.plugins.configMaps] },
    deployment: {
      initContainers: [{ name: "fetch-certificates", image: "fetch" }, ...deployment.initContainers],
      userDefinedVolumes: [{ name: "certificates", emptyDir: {} }, ...deployment.userDefinedVolumes],
      userDefinedVolumeMounts: [
        { name: "certificates", mountPath: "/certificates" },
        ...deployment.userDefinedVolumeMounts,
      ],
    },
    extraObjects: [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "mine" }, data: { "handler.lua": "" } },
      ...added.extraObjects,
    ],
  };
}

function write(name: string, values: object): string {
  const path = join(folder, name);
  writeFileSync(path, stringify(values));
  return path;
}

/** The chart writes `args: null`, which Kubernetes drops. */
function withoutNulls(object: KubernetesObject): KubernetesObject {
  return JSON.parse(
    JSON.stringify(object, (_, value: unknown) => (value === null ? undefined : value)),
  ) as KubernetesObject;
}

const charts = ["kong", "ingress"] as const;
const extraOf = (chart: string) => join(existing, `values-${chart}.yaml`);
/** kong/ingress has the gateway's values below `gateway`. */
const nested = (chart: string, values: object) => (chart === "ingress" ? { gateway: values } : values);

test("the file for kong/ingress has the values of that for kong/kong below `gateway`", () => {
  const [kong, ingress] = charts.map((chart) => parse(readFileSync(extraOf(chart), "utf8")) as object);
  expect(ingress).toEqual({ gateway: kong });
});

test("docs/existing-kong.md names every list in them with its items", () => {
  const page = readFileSync(join(root, "docs/existing-kong.md"), "utf8");
  const { plugins, deployment, extraObjects } = withLists(mine);
  const lists = { "plugins.configMaps": plugins.configMaps, extraObjects } as Record<string, object[]>;
  for (const [name, list] of Object.entries(deployment)) lists[`deployment.${name}`] = list;
  const added = parse(readFileSync(extraOf("kong"), "utf8")) as object;
  expect(listsIn(added).toSorted()).toEqual(Object.keys(lists).toSorted());
  for (const [path, [, ...ours]] of Object.entries(lists)) {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${path}\``)) ?? "";
    for (const item of ours as { name?: string; metadata?: { name: string } }[]) {
      expect(row).toContain(`\`${item.name ?? item.metadata?.name}\``);
    }
  }
});

/** Paths of the lists of named items that are not within another list. */
function listsIn(value: object, path = ""): string[] {
  return Object.entries(value).flatMap(([key, child]: [string, unknown]) => {
    if (Array.isArray(child)) return typeof child[0] === "object" ? [`${path}${key}`] : [];
    return typeof child === "object" && child !== null ? listsIn(child, `${path}${key}.`) : [];
  });
}

describe.each(charts)("doctor, given the values for kong/%s and a user's own", (chart) => {
  const extra = extraOf(chart);

  test("finds nothing if no list is in both, or if the items were added", { timeout: 60_000 }, () => {
    expect(look(extra, write("mine.yaml", nested(chart, mine)))).toEqual([]);
    expect(look(extra, write("lists.yaml", nested(chart, withLists(mine))))).toEqual([]);
  });

  test("finds each list of the user's that replaces the plugin's", { timeout: 60_000 }, () => {
    const own = withLists(mine);
    const lists = nested(chart, {
      env: { nginx_http_lua_shared_dict: "mine 1m" },
      plugins: { configMaps: own.plugins.configMaps.slice(0, 1) },
      deployment: {
        initContainers: own.deployment.initContainers.slice(0, 1),
        userDefinedVolumes: own.deployment.userDefinedVolumes.slice(0, 1),
        userDefinedVolumeMounts: own.deployment.userDefinedVolumeMounts.slice(0, 1),
      },
      extraObjects: own.extraObjects.slice(0, 1),
    });
    const findings = look(extra, write("forgotten.yaml", lists));
    const replaced = findings.filter(({ code }) => code === "GATEWAY_VALUES_REPLACED");
    for (const name of ["kong-serverless-lua", "plugin-server", "plugin-socket", "endpoints-token"]) {
      expect(replaced.map(({ what }) => what).join("\n")).toContain(`values-${chart}.yaml has ${name}`);
    }
    const missing = findings.filter(({ code }) => code === "GATEWAY_INCOMPLETE").map(({ what }) => what);
    expect(missing).toHaveLength(5);
    expect(missing.join("\n")).toMatch(/loads bundled,mine: not serverless/);
    expect(missing.join("\n")).toMatch(/"mine 1m" KONG_NGINX_HTTP_LUA_SHARED_DICT/);
  });

  test("finds what the user's values lose if the plugin's come last", { timeout: 60_000 }, () => {
    const own = nested(chart, {
      deployment: { initContainers: [{ name: "fetch-certificates", image: "fetch" }] },
    });
    expect(look(write("first.yaml", own), extra).map(({ what }) => what)).toEqual([
      expect.stringMatching(
        /replaces (gateway\.)?deployment\.initContainers, in which .*first\.yaml has fetch-certificates/,
      ),
    ]);
  });
});

const command = requireKustomize();

const ownDeployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "edge", labels: { "kong-serverless/gateway": "true" } },
  spec: {
    selector: { matchLabels: { app: "edge" } },
    template: {
      metadata: { labels: { app: "edge" }, annotations: { "prometheus.io/scrape": "true" } },
      spec: {
        initContainers: [{ name: "fetch-certificates", image: "fetch" }],
        containers: [
          {
            name: "proxy",
            image: "kong:3.9.3",
            env: [
              { name: "KONG_DATABASE", value: "off" },
              { name: "KONG_PLUGINS", value: "bundled,mine,serverless" },
              {
                name: "KONG_NGINX_HTTP_LUA_SHARED_DICT",
                value: "mine 1m; lua_shared_dict kong_serverless 4m",
              },
            ],
            lifecycle: { preStop: { sleep: { seconds: 10 } } },
            volumeMounts: [{ name: "certificates", mountPath: "/certificates" }],
          },
          { name: "exporter", image: "exporter" },
        ],
        volumes: [{ name: "certificates", emptyDir: {} }],
      },
    },
  },
};
const bystander = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "bystander" },
  spec: {
    selector: { matchLabels: { app: "bystander" } },
    template: {
      metadata: { labels: { app: "bystander" } },
      spec: { containers: [{ name: "proxy", image: "other" }] },
    },
  },
};

/** Renders the Deployment with the component, as its owner's folder would. */
function renderComponent(deployment: object): KubernetesObject[] {
  const own = join(folder, "edge");
  mkdirSync(own, { recursive: true });
  cpSync(join(root, "deploy/images"), join(folder, "images"), { recursive: true });
  cpSync(join(existing, "component"), join(folder, "component"), { recursive: true });
  writeFileSync(join(own, "kong.yaml"), `${stringify(deployment)}---\n${stringify(bystander)}`);
  writeFileSync(
    join(own, "kustomization.yaml"),
    "namespace: edge\nresources: [kong.yaml]\ncomponents: [../component, ../images]\n",
  );
  return render(command ?? [], own);
}

describe("the component, in a kustomization that has Kong's Deployment", needs(kustomize()), () => {
  test("adds the plugin and takes nothing away, except how Kong is stopped", { timeout: 60_000 }, () => {
    const deployment = gatewayOf(renderComponent(ownDeployment));
    const kong = kongOf(deployment);
    const { spec } = deployment.spec.template;
    expect(spec.initContainers.map(({ name }) => name).toSorted()).toEqual([
      "fetch-certificates",
      "plugin-server",
    ]);
    expect(spec.containers.map(({ name }) => name)).toEqual(["proxy", "exporter"]);
    expect(spec.volumes.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["certificates", "plugin-socket", "kong-plugin-serverless"]),
    );
    expect(kong.volumeMounts.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["certificates", "plugin-socket", "kong-plugin-serverless"]),
    );
    expect(variablesOf(kong)).toMatchObject({
      KONG_DATABASE: "off",
      KONG_PLUGINS: "bundled,mine,serverless",
      KONG_SERVERLESS_HTTP_SOCKET: "/var/run/kong-serverless/serverless-http.socket",
    });
    expect(kong.lifecycle?.preStop).toEqual({
      exec: { command: ["kong", "quit", "--wait=5", "--timeout=75"] },
    });
    expect(deployment.spec.selector).toEqual({ matchLabels: { app: "edge" } });
    expect(deployment.spec.template.metadata).toMatchObject({
      labels: { app: "edge", "kong-serverless/gateway": "true" },
      annotations: { "prometheus.io/scrape": "true" },
    });
  });

  test(
    "leaves other Deployments alone, and passes Kubernetes' types and the doctor",
    { timeout: 60_000 },
    () => {
      const objects = renderComponent(ownDeployment);
      expect(typeFaultsOf(objects.map((object) => [titleOf(object), object]))).toEqual([]);
      expect(objects.find(({ metadata }) => metadata.name === "bystander")?.["spec"]).toEqual(bystander.spec);
      expect(doctor("--file", "edge")).toEqual([]);
    },
  );

  test(
    "leaves lists in variables to be filled in by hand, and the doctor asks for them",
    { timeout: 60_000 },
    () => {
      const forgotten = structuredClone(ownDeployment);
      const [kong] = forgotten.spec.template.spec.containers;
      kong?.env?.splice(1, 2, { name: "KONG_PLUGINS", value: "bundled,mine" });
      renderComponent(forgotten);
      expect(doctor("--file", "edge").map(({ what }) => what)).toEqual([
        "Deployment edge/edge loads bundled,mine: not serverless",
        expect.stringContaining("Deployment edge/edge has no KONG_NGINX_HTTP_LUA_SHARED_DICT"),
      ]);
    },
  );
});

// Variables of the tests, not of an app: packages/config knows nothing of them.
const chartsFolder = process.env["KONG_CHARTS"] ?? "";
const helm = process.env["HELM"] ?? "helm";
const helmAndCharts = {
  what: "Helm and Kong's charts",
  isMet:
    charts.every((chart) => existsSync(join(chartsFolder, chart, "Chart.yaml"))) && canRun(helm, "version"),
  remedy:
    "install helm or name it in HELM, and name a folder with the charts kong and ingress in KONG_CHARTS",
};

describe.each(charts)("the chart kong/%s, rendered by Helm", needs(helmAndCharts), (chart) => {
  const template = (...files: readonly string[]): KubernetesObject[] => {
    const options = files.flatMap((file) => ["-f", file]);
    const output = execFileSync(
      helm,
      ["template", "edge", join(chartsFolder, chart), "-n", "edge", ...options],
      {
        encoding: "utf8",
        timeout: 60_000,
      },
    );
    return parseAllDocuments(output).flatMap(
      (document) => (document.toJS() as KubernetesObject | null) ?? [],
    );
  };
  const own = (values: object) => write("own.yaml", nested(chart, values));

  test("gets the plugin and keeps all of the user's values", { timeout: 60_000 }, () => {
    const objects = template(extraOf(chart), own(withLists(mine)));
    const deployment = gatewayOf(objects);
    const kong = kongOf(deployment);
    const { spec, metadata } = deployment.spec.template;
    expect(metadata.labels).toMatchObject({ team: "edge", "kong-serverless/gateway": "true" });
    expect(metadata.annotations).toMatchObject({ "prometheus.io/scrape": "true", "dapr.io/enabled": "true" });
    expect(spec.terminationGracePeriodSeconds).toBe(300);
    expect(spec.initContainers.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["fetch-certificates", "plugin-server"]),
    );
    // A native sidecar: stopped after Kong, whose held requests it still has.
    expect(spec.initContainers.find(({ name }) => name === "plugin-server")?.restartPolicy).toBe("Always");
    expect(kong.lifecycle?.preStop).toEqual({
      exec: { command: ["kong", "quit", "--wait=5", "--timeout=75"] },
    });
    expect(variablesOf(kong)).toMatchObject({
      KONG_LOG_LEVEL: "warn",
      KONG_NGINX_WORKER_PROCESSES: "4",
      KONG_PLUGINS: "bundled,mine,serverless",
      KONG_NGINX_HTTP_LUA_SHARED_DICT: "mine 1m; lua_shared_dict kong_serverless 4m",
    });
    expect(kong.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(
      expect.arrayContaining(["/certificates", "/opt/kong/plugins/mine", "/opt/kong/plugins/serverless"]),
    );
    const names = objects.filter(({ kind }) => kind === "ConfigMap").map((object) => object.metadata.name);
    expect(names).toEqual(expect.arrayContaining(["mine", "kong-serverless-lua"]));
    const checked = objects.filter(({ kind }) => kind === "Deployment" || kind === "ConfigMap");
    expect(typeFaultsOf(checked.map((object) => [titleOf(object), withoutNulls(object)]))).toEqual([]);
  });

  test(
    "can be upgraded to it and back: no immutable field of the Deployment changes",
    { timeout: 60_000 },
    () => {
      const [before, after] = [template(own(mine)), template(extraOf(chart), own(mine))];
      // Helm removes what is added once it is no longer rendered.
      expect(titles(after).filter((title) => !titles(before).includes(title))).toEqual([
        "ConfigMap kong-serverless-lua",
      ]);
      expect(titles(before).filter((title) => !titles(after).includes(title))).toEqual([]);
      expect(gatewayOf(after).spec.selector).toEqual(gatewayOf(before).spec.selector);
      expect(rest(gatewayOf(after))).toEqual(rest(gatewayOf(before)));
    },
  );

  test(
    "has another pod template if the plugin changes, and is otherwise the same",
    { timeout: 60_000 },
    () => {
      const other = write(
        "other.yaml",
        parse(
          readFileSync(extraOf(chart), "utf8").replace(/(image: \S+\/kong-plugin):\S+/, "$1:v9.9.9"),
        ) as object,
      );
      const [before, after] = [template(extraOf(chart), own(mine)), template(other, own(mine))];
      const changed = after.filter(
        (object, index) => JSON.stringify(object) !== JSON.stringify(before[index]),
      );
      // The chart makes new certificates each time.
      const kinds = changed.map(({ kind }) => kind);
      expect(kinds.filter((kind) => !/^(Secret|ValidatingWebhookConfiguration)$/.test(kind))).toEqual([
        "Deployment",
      ]);
    },
  );

  test("is complete, according to the doctor", { timeout: 60_000 }, () => {
    const objects = template(extraOf(chart), own(withLists(mine)));
    const file = write("rendered.yaml", { apiVersion: "v1", kind: "List", items: objects });
    expect(doctor("--file", file)).toEqual([]);
  });
});

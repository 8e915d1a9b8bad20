import { readGateway, readSystem } from "@kong-serverless/manifests";
import { QueueEmulator } from "@kong-serverless/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { provision } from "../provision/provision.ts";
import { QueueService } from "../provision/queue-service.ts";
import { wantedFor } from "../provision/wanted.ts";
import { ApiServerStandIn, type ClusterObject } from "../testing/api-server-stand-in.ts";
import { plant } from "../testing/planted.ts";
import { diagnoseCluster } from "./diagnose-cluster.ts";
import { KubeconfigApiServer } from "./kubeconfig-api-server.ts";
import { liveRules } from "./rules/index.ts";

const signal = new AbortController().signal;
let cluster: ApiServerStandIn;
let emulator: QueueEmulator;
beforeEach(async () => {
  cluster = await new ApiServerStandIn().start();
  cluster.objects = await runningBase();
  emulator = await QueueEmulator.start();
  for (const [name, value] of Object.entries(emulator.env)) vi.stubEnv(name, value);
  await provisionAll();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await cluster.stop();
  await emulator[Symbol.asyncDispose]();
});

const endpoint = () => emulator.env["AWS_ENDPOINT_URL"];
const connect = (context = "stand-in") =>
  KubeconfigApiServer.connect({ context, kubeconfig: cluster.kubeconfig, signal });
const diagnose = async () =>
  diagnoseCluster(await connect(), { cluster: "stand-in", namespaces: [], endpoint: endpoint(), signal });
const codes = async () => new Set((await diagnose()).findings.map(({ code }) => code));

async function provisionAll(): Promise<void> {
  using service = new QueueService({ region: "eu-west-1", endpoint: endpoint(), signal });
  await provision(wantedFor(readSystem(await plant(), readGateway())), service, { dryRun: false });
}

/** The shipped base as a cluster has it: with states, and with the gateway that a chart brings. */
async function runningBase(): Promise<ClusterObject[]> {
  const labels = { "kong-serverless/gateway": "true" };
  const sidecar = { "dapr.io/enabled": "true", "dapr.io/app-id": "kong-gateway" };
  const gateway = {
    kind: "Deployment",
    metadata: { name: "kong-gateway", namespace: "kong" },
    spec: {
      replicas: 2,
      template: {
        metadata: { labels, annotations: sidecar },
        spec: { containers: [], terminationGracePeriodSeconds: 120 },
      },
    },
  };
  const pod = {
    kind: "Pod",
    metadata: { name: "kong-gateway-1", namespace: "kong", labels, annotations: sidecar },
    spec: { containers: [{ name: "proxy" }], initContainers: [{ name: "daprd" }] },
  };
  const objects = (await plant()).all.map(({ root }) => root.value as ClusterObject);
  return [
    ...objects.map((object) => withStatus(object)),
    gateway,
    pod,
    slice("kong", "kong-serverless-demand", true),
  ];
}

function withStatus(object: ClusterObject): ClusterObject {
  const { kind } = object;
  if (kind === "ScaledObject") {
    return { ...object, status: { conditions: [{ type: "Ready", status: "True" }] } };
  }
  if (kind === "KongPlugin") {
    return { ...object, status: { conditions: [{ type: "Programmed", status: "True" }] } };
  }
  // KEDA's own doing.
  return kind === "Deployment" ? { ...object, spec: { ...(object["spec"] as object), replicas: 0 } } : object;
}

function slice(namespace: string, service: string, ready: boolean): ClusterObject {
  return {
    kind: "EndpointSlice",
    metadata: { name: `${service}-1`, namespace, labels: { "kubernetes.io/service-name": service } },
    endpoints: [{ conditions: { ready } }],
  };
}

function change(kind: string, name: string, fields: Record<string, unknown>): void {
  cluster.objects = cluster.objects.map((object) =>
    object.kind === kind && object.metadata.name === name ? Object.assign({}, object, fields) : object,
  );
}

const planted: [code: string, plant: () => unknown][] = [
  ["CRD_MISSING", () => cluster.missingGroups.add("keda.sh")],
  ["CRD_VERSION_MISSING", () => cluster.otherVersions.set("dapr.io", "dapr.io/v1alpha2")],
  [
    "SCALED_OBJECT_NOT_READY",
    () =>
      change("ScaledObject", "consumer", {
        status: { conditions: [{ type: "Ready", status: "False", message: "no such queue" }] },
      }),
  ],
  [
    "SCALED_OBJECT_PAUSED",
    () =>
      change("ScaledObject", "consumer", {
        status: {
          conditions: [
            { type: "Ready", status: "True" },
            { type: "Paused", status: "True" },
          ],
        },
      }),
  ],
  [
    "TRIGGER_FAILING",
    () =>
      change("ScaledObject", "demo-backend", {
        status: {
          conditions: [{ type: "Ready", status: "True" }],
          health: { "s1-metric-api-demand": { status: "Failing", numberOfFailures: 4 } },
        },
      }),
  ],
  [
    "GATEWAY_FILE_LIMIT",
    () => {
      cluster.logs.set(
        "kong-gateway-1",
        "[notice] 1#1: getrlimit(RLIMIT_NOFILE): 1024:20000\n[alert] 31#31: setrlimit(RLIMIT_NOFILE, 131072) failed (1: Operation not permitted)\n",
      );
    },
  ],
  [
    "PUSH_TRIGGER_UNKNOWN",
    () =>
      change("ScaledObject", "demo-backend", {
        spec: {
          scaleTargetRef: { name: "demo-backend" },
          triggers: [
            { type: "cron", metadata: {} },
            { type: "external-push", metadata: { scalerAddress: "scaler.kong.svc:8091" } },
          ],
        },
        status: { conditions: [{ type: "Ready", status: "True" }], externalMetricNames: ["s0-cron"] },
      }),
  ],
  [
    "PLUGIN_REJECTED",
    () =>
      change("KongPlugin", "serverless-demo-backend", {
        status: {
          conditions: [{ type: "Programmed", status: "False", message: "plugin 'serverless' not enabled" }],
        },
      }),
  ],
  [
    "SIDECAR_NOT_INJECTED",
    () => change("Pod", "kong-gateway-1", { spec: { containers: [{ name: "proxy" }] } }),
  ],
  [
    "ENDPOINTS_MISSING",
    () => {
      change("Deployment", "demo-backend", { status: { replicas: 1 } });
      cluster.objects.push(slice("kong-serverless", "demo-backend", false));
    },
  ],
  [
    "GATEWAY_NOT_READY",
    () =>
      change("EndpointSlice", "kong-serverless-demand-1", { endpoints: [{ conditions: { ready: false } }] }),
  ],
  ["QUEUE_MISSING", () => emulator.deleteQueue("wake-demo-backend")],
  ["WAKE_QUEUE_LENGTH_TOO_LOW", () => change("Deployment", "kong-gateway", manyGateways())],
];

const filter = {
  type: "ExtensionRef",
  extensionRef: {
    group: "configuration.konghq.com",
    kind: "KongPlugin",
    name: "serverless-demo-backend",
  },
};

function httpRoute(namespace: string, rule: object, metadata: object = {}): ClusterObject {
  return {
    kind: "HTTPRoute",
    metadata: { name: "demo-backend", namespace, ...metadata },
    spec: { rules: [{ ...rule, backendRefs: [{ name: "demo-backend", port: 80 }] }] },
  };
}

/** As the base has it, in another namespace. */
function backendService(namespace: string): ClusterObject {
  const { kind, metadata, ...rest } = cluster.objects.find(
    (object) => object.kind === "Service" && object.metadata.name === "demo-backend",
  ) as ClusterObject;
  return { ...rest, kind, metadata: { ...metadata, namespace } };
}

/** The plugin becomes one of the whole cluster, and everything that it wakes moves to another namespace. */
function usePluginOfAll(): void {
  cluster.objects = cluster.objects.map((object) => {
    const { kind, metadata } = object;
    if (kind === "KongPlugin")
      return { ...object, kind: "KongClusterPlugin", metadata: { name: metadata.name } };
    if (metadata.namespace !== "kong-serverless") return object;
    return { ...object, metadata: { ...metadata, namespace: "shop" } };
  });
}

function manyGateways(): Record<string, unknown> {
  const gateway = cluster.objects.find(({ metadata }) => metadata.name === "kong-gateway");
  return { spec: { ...(gateway?.["spec"] as object), replicas: 100 } };
}

describe("diagnoseCluster", () => {
  test("finds nothing in a cluster that runs what is shipped, and says what it cannot see", async () => {
    const { ok, findings, skipped } = await diagnose();
    expect(findings).toEqual([]);
    expect(ok).toBe(true);
    expect(skipped).toEqual([expect.stringContaining("Components"), expect.stringContaining("admin API")]);
  });

  test.each(planted)("finds %s", async (code, plantIt) => {
    plantIt();
    expect(await codes()).toContain(code);
  });

  test("finds nothing where an HTTPRoute names the plugin", async () => {
    cluster.objects = cluster.objects.filter(({ kind }) => kind !== "Ingress");
    expect(await codes()).toEqual(new Set(["PLUGIN_UNUSED"]));
    cluster.objects.push(httpRoute("kong-serverless", { filters: [filter] }));
    expect(await codes()).toEqual(new Set());
  });

  test("reads the namespaces whose routes name a plugin of the whole cluster", async () => {
    usePluginOfAll();
    expect(await codes()).toEqual(new Set());
    expect(cluster.asked).toContain("/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects");
  });

  test("reads the namespaces whose routes name a plugin that is granted to them", async () => {
    const name = "kong-serverless:serverless-demo-backend";
    cluster.objects.push(
      httpRoute("shop", {}, { annotations: { "konghq.com/plugins": name } }),
      backendService("shop"),
    );
    await diagnose();
    expect(cluster.asked).not.toContain("/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects");
    cluster.objects.push({
      kind: "ReferenceGrant",
      metadata: { name: "plugins", namespace: "kong-serverless" },
      spec: {
        from: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "shop" }],
        to: [{ group: "configuration.konghq.com", kind: "KongPlugin" }],
      },
    });
    expect(await codes()).toEqual(new Set());
    expect(cluster.asked).toContain("/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects");
  });

  test("finds the login that a trigger has for the whole cluster", async () => {
    const login = { kind: "ClusterTriggerAuthentication", metadata: { name: "aws" } };
    const scaler = cluster.objects.find(
      ({ kind, metadata }) => kind === "ScaledObject" && metadata.name === "consumer",
    );
    const spec = structuredClone(scaler?.["spec"]) as { triggers: { authenticationRef: object }[] };
    for (const trigger of spec.triggers) trigger.authenticationRef = { kind: login.kind, name: "aws" };
    change("ScaledObject", "consumer", { spec });
    const missing = expect.stringContaining("ClusterTriggerAuthentication aws");
    expect((await diagnose()).skipped).toContainEqual(missing);
    cluster.objects.push(login);
    expect((await diagnose()).skipped).not.toContainEqual(missing);
  });

  test("names the cluster and the object that a finding is about", async () => {
    planted.find(([code]) => code === "SCALED_OBJECT_NOT_READY")?.[1]();
    expect((await diagnose()).findings).toMatchObject([
      {
        what: "ScaledObject kong-serverless/consumer: no such queue",
        where: { file: "stand-in: ScaledObject kong-serverless/consumer", path: "status.conditions[0]" },
      },
    ]);
  });

  test("tells missing topics, queues and subscriptions from those that differ", async () => {
    await emulator[Symbol.asyncDispose]();
    emulator = await QueueEmulator.start();
    expect(await codes()).toEqual(new Set(["TOPIC_MISSING", "QUEUE_MISSING", "QUEUE_DIFFERS"]));
  });

  test("says which kinds it may not read and that the queues could not be asked, and looks at the rest", async () => {
    cluster.forbidden.add("Pod");
    await emulator[Symbol.asyncDispose]();
    const { skipped, findings } = await diagnose();
    emulator = await QueueEmulator.start();
    expect(skipped).toContain("pods in kong: pods is forbidden");
    expect(skipped).toContainEqual(expect.stringMatching(/^topics, queues and subscriptions: ListTopics/));
    expect(findings).toEqual([]);
  });

  test("never reads a Secret", async () => {
    await diagnose();
    expect(cluster.asked.filter((path) => path.includes("secret"))).toEqual([]);
  });

  test("fails for a context that is not there, and for a server that is not", async () => {
    await expect(connect("prod")).rejects.toThrow("There is no context prod; there are: stand-in.");
    const server = await connect();
    await cluster.stop();
    await expect(server.get("/apis")).rejects.toMatchObject({ code: "CLUSTER_UNREACHABLE" });
  });

  test("plants every code that only a cluster shows, but for those that the queues' test has", () => {
    const seen = new Set([...planted.map(([code]) => code), "TOPIC_MISSING", "QUEUE_DIFFERS"]);
    expect(liveRules.map(({ code }) => code).filter((code) => !seen.has(code))).toEqual([]);
  });
});

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";

import { ApiServerStandIn } from "../testing/api-server-stand-in.ts";
import { runCli } from "../testing/run-cli.ts";

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "checkout", namespace: "shop" },
  spec: {
    selector: { matchLabels: { app: "checkout" } },
    template: {
      metadata: { labels: { app: "checkout" } },
      spec: {
        containers: [
          {
            name: "web",
            image: "checkout",
            ports: [{ name: "http", containerPort: 3000 }],
            readinessProbe: { httpGet: { path: "/ready", port: "http" }, periodSeconds: 1 },
            lifecycle: { preStop: { sleep: { seconds: 5 } } },
          },
        ],
      },
    },
  },
};
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name: "checkout",
    namespace: "shop",
    annotations: { "ingress.kubernetes.io/service-upstream": "true" },
  },
  spec: { selector: { app: "checkout" }, ports: [{ port: 80, targetPort: "http" }] },
};
const ingress = {
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: { name: "shop", namespace: "shop" },
  spec: {
    ingressClassName: "kong",
    defaultBackend: { service: { name: "checkout", port: { number: 80 } } },
  },
};
const closed = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "closed", namespace: "shop" },
  spec: { podSelector: {}, policyTypes: ["Ingress"] },
};

interface Outcome {
  readonly ok: boolean;
  readonly folder: string;
  readonly files: readonly { readonly path: string; readonly status: string; readonly diff?: string }[];
  readonly findings: readonly unknown[];
  readonly next: readonly string[];
}

// The command loads these lazily, which may take seconds that the first test should not pay for.
beforeAll(
  () => Promise.all([import("./init-command.ts"), import("../live/kubeconfig-api-server.ts")]),
  60_000,
);

let cwd = "";
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "init-"));
});
afterEach(() => rm(cwd, { recursive: true }));

async function init(objects: readonly object[], ...options: readonly string[]) {
  await writeFile(join(cwd, "app.yaml"), JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  const { code, stdout, stderr } = await runCli(["init", "--file", "app.yaml", "--json", ...options], {
    cwd,
  });
  return { code, stderr, outcome: stdout === "" ? undefined : (JSON.parse(stdout) as Outcome) };
}
const read = async (path: string) =>
  parse(await readFile(join(cwd, "kong-serverless/checkout", path), "utf8")) as Record<string, unknown>;
const resources = async () => (await read("kustomization.yaml"))["resources"];

describe("init", () => {
  test.each([
    ["sqs", ["pubsub.yaml", "authentication.yaml"], "kong-serverless provision"],
    ["rabbitmq", ["pubsub.yaml", "authentication.yaml"], "kong-serverless doctor"],
    ["none", [], "kong-serverless doctor"],
  ])("writes a folder in which the doctor finds nothing: %s", async (broker, own, next) => {
    const { code, outcome } = await init([deployment, service], "--broker", broker);
    expect(code).toBe(0);
    expect(outcome).toMatchObject({ ok: true, folder: "kong-serverless/checkout", findings: [] });
    expect(await resources()).toEqual([
      "plugin.yaml",
      "route.yaml",
      "scaledobject.yaml",
      "gateway-demand.yaml",
      ...own,
    ]);
    expect(outcome?.next[0]).toContain(next);
    expect(outcome?.next.at(-1)).toBe("kubectl apply -k kong-serverless/checkout");
  });

  test("finds readiness path, ports and namespace by itself", async () => {
    await init([deployment, service], "--yes");
    expect(await read("plugin.yaml")).toMatchObject({
      metadata: { namespace: "shop" },
      config: { backend: [{ name: "checkout", health: "/ready" }] },
    });
    expect(await read("network-policy.yaml")).toMatchObject({
      spec: { podSelector: { matchLabels: { app: "checkout" } }, ingress: [{ ports: [{ port: 3000 }] }] },
    });
  });

  test("releases as many held requests at once as the scaler expects per replica", async () => {
    await init([deployment, service], "--yes", "--requests-per-replica", "25");
    expect(await read("plugin.yaml")).toMatchObject({ config: { releaseConcurrency: 25 } });
    const { spec } = (await read("scaledobject.yaml")) as {
      spec: { triggers: { name: string; metadata: object }[] };
    };
    expect(spec.triggers.find(({ name }) => name === "demand")?.metadata).toMatchObject({
      targetValue: "25",
    });
  });

  test("never overwrites a file, and shows what it would have written", async () => {
    await init([deployment, service], "--yes");
    const again = await init([deployment, service], "--yes");
    expect(again.code).toBe(0);
    expect(new Set(again.outcome?.files.map(({ status }) => status))).toEqual(new Set(["unchanged"]));
    const edited = join(cwd, "kong-serverless/checkout/scaledobject.yaml");
    const mine = (await readFile(edited, "utf8")).replace("maxReplicaCount: 5", "maxReplicaCount: 50");
    await writeFile(edited, mine);
    const third = await init([deployment, service], "--yes");
    expect(third.code).toBe(1);
    const kept = third.outcome?.files.filter(({ status }) => status === "kept");
    expect(kept).toMatchObject([{ path: "scaledobject.yaml" }]);
    expect(kept?.[0]?.diff).toContain("-  maxReplicaCount: 50\n+  maxReplicaCount: 5\n");
    expect(await readFile(edited, "utf8")).toBe(mine);
  });

  test("adds the plugin to an existing route instead of writing a second one", async () => {
    await init([deployment, service, ingress], "--yes");
    expect(await resources()).not.toContain("route.yaml");
    const { patches } = (await read("workload/kustomization.yaml")) as { patches: { patch: string }[] };
    expect(parse(patches.at(-1)?.patch ?? "")).toMatchObject({
      kind: "Ingress",
      metadata: { name: "shop", annotations: { "konghq.com/plugins": "serverless-checkout" } },
    });
  });

  test("lets the gateway in if a NetworkPolicy blocks it, and blocks nothing that was open", async () => {
    await init([deployment, service], "--yes");
    expect(await resources()).not.toContain("network-policy.yaml");
    await rm(join(cwd, "kong-serverless"), { recursive: true });
    const { outcome } = await init([deployment, service, closed], "--yes");
    expect(await resources()).toContain("network-policy.yaml");
    expect(outcome?.findings).toEqual([]);
  });

  test("writes an HTTPRoute for a Gateway", async () => {
    await init(
      [deployment, service],
      "--yes",
      "--route",
      "httproute",
      "--gateway",
      "infra/kong",
      "--path",
      "/a",
    );
    expect(await read("route.yaml")).toMatchObject({
      kind: "HTTPRoute",
      spec: {
        parentRefs: [{ namespace: "infra", name: "kong" }],
        rules: [{ matches: [{ path: { value: "/a" } }], backendRefs: [{ name: "checkout", port: 80 }] }],
      },
    });
  });

  test.each([
    ["no Service selects it", [deployment], [], /there is no Deployment or StatefulSet behind a Service/],
    [
      "there are two",
      [deployment, service, { ...service, metadata: { name: "other", namespace: "shop" } }],
      [],
      /more than one Service.*--service: Service shop\/checkout, Service shop\/other/,
    ],
    [
      "the workload is of another kind",
      [deployment, service],
      ["--from", "cronjob/checkout"],
      /deploy\/NAME and sts\/NAME/,
    ],
    [
      "nothing says when it is ready",
      [
        {
          ...deployment,
          spec: {
            template: {
              metadata: { labels: { app: "checkout" } },
              spec: { containers: [{ name: "web", ports: [{ name: "http", containerPort: 3000 }] }] },
            },
          },
        },
        service,
      ],
      [],
      /no readinessProbe with httpGet; say with --health/,
    ],
    ["an HTTPRoute has no Gateway", [deployment, service], ["--route", "httproute"], /NAMESPACE\/NAME/],
  ])("says what it needs if %s", async (_, objects, options, message) => {
    await expect(init(objects, "--yes", ...options)).rejects.toThrow(message);
  });

  test("asks no question if nobody can answer", async () => {
    await expect(init([deployment, service])).rejects.toThrow(/--broker: choose one of sqs, rabbitmq, none/);
  });

  test("reads a live cluster, and changes nothing in it", async () => {
    await using cluster = await new ApiServerStandIn().start();
    cluster.objects = [deployment, service];
    const options = ["--from", "deploy/checkout", "-n", "shop", "--context", "stand-in"];
    const argv = ["adopt", ...options, "--kubeconfig", cluster.kubeconfig, "--broker", "sqs", "--json"];
    const { code, stdout } = await runCli(argv, { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, folder: "kong-serverless/checkout", findings: [] });
    expect(await read("plugin.yaml")).toMatchObject({ metadata: { name: "serverless-checkout" } });
  });
});

describe("init worker", () => {
  test("writes a consumer in which the doctor finds nothing", async () => {
    const { code, stdout } = await runCli(["init", "worker", "--name", "resize", "--json"], { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, folder: "resize", findings: [] });
  });

  test("writes one in which the doctor finds a wrong queue", async () => {
    await runCli(["init", "worker", "--name", "resize", "--json"], { cwd });
    const file = join(cwd, "resize/deploy/scaledobject.yaml");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace('queueURL: "resize"', 'queueURL: "resized"'));
    const { stdout } = await runCli(["doctor", "--file", "resize/deploy", "--json"], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({
      findings: [
        {
          code: "CONSUMER_QUEUE_NOT_WATCHED",
          what: "Deployment default/resize consumes resize; ScaledObject default/resize watches resized",
        },
      ],
    });
  });

  test("refuses a name that Kubernetes would refuse", async () => {
    const argv = ["init", "worker", "--name", "Re_size"];
    await expect(runCli(argv, { cwd })).rejects.toThrow(/--name: found "Re_size"/);
  });
});

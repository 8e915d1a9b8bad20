import { copyFileSync, globSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parseAllDocuments } from "yaml";

import { freePort } from "../../packages/runtime/src/index.ts";
import type { ApiObject } from "./api-client.ts";
import type { ControlPlane } from "./control-plane.ts";
import { EngineProcess } from "./engine-process.ts";
import type { Engines } from "./engines.ts";

const startTimeoutMs = 120_000;
const webhookKinds = ["scaledobject", "scaledjob", "triggerauthentication", "clustertriggerauthentication"];

/** KEDA's operator, its webhook and its metrics server, on a cluster without a node. */
export class Keda {
  readonly #processes: readonly EngineProcess[];

  static async start(engines: Engines, cluster: ControlPlane): Promise<Keda> {
    const { api, folder, certificates } = cluster;
    for (const file of globSync("*.yaml", { cwd: engines.kedaDefinitions })) {
      for (const document of readDocuments(join(engines.kedaDefinitions, file))) await api.apply(document);
    }
    await api.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "keda" } });

    const certificateFolder = makeCertificateFolder(cluster);
    const [metricsPort, healthPort, servicePort, webhookPort, webhookHealthPort, adapterPort] =
      await Promise.all(Array.from({ length: 6 }, () => freePort()));
    const env = {
      KUBECONFIG: cluster.kubeconfig,
      WATCH_NAMESPACE: "",
      POD_NAMESPACE: "keda",
      KEDA_CLUSTER_OBJECT_NAMESPACE: "keda",
      // The same as in deploy/platform/keda/values.yaml.
      KEDA_HTTP_DEFAULT_TIMEOUT: "1000",
    };
    const run = (name: string, args: readonly string[]) =>
      new EngineProcess({ command: engines.binary(name), args, env, logFile: join(folder, `${name}.log`) });

    const operator = run("keda", [
      `--metrics-bind-address=127.0.0.1:${metricsPort}`,
      `--health-probe-bind-address=127.0.0.1:${healthPort}`,
      `--metrics-service-bind-address=127.0.0.1:${servicePort}`,
      `--cert-dir=${certificateFolder}`,
    ]);
    const webhook = run("keda-admission-webhooks", [
      "--metrics-bind-address=0",
      `--health-probe-bind-address=127.0.0.1:${webhookHealthPort}`,
      `--port=${webhookPort}`,
      `--cert-dir=${certificateFolder}`,
      "--cache-miss-to-direct-client",
    ]);
    const adapter = run("keda-adapter", [
      `--secure-port=${adapterPort}`,
      "--port=0",
      `--cert-dir=${certificateFolder}`,
      `--tls-cert-file=${join(certificateFolder, "tls.crt")}`,
      `--tls-private-key-file=${join(certificateFolder, "tls.key")}`,
      `--metrics-service-address=localhost:${servicePort}`,
      `--lister-kubeconfig=${cluster.kubeconfig}`,
      `--authentication-kubeconfig=${cluster.kubeconfig}`,
      `--authorization-kubeconfig=${cluster.kubeconfig}`,
    ]);
    const keda = new Keda([adapter, webhook, operator]);
    try {
      await operator.until(() => answers(`http://127.0.0.1:${healthPort}/readyz`), startTimeoutMs);
      await webhook.until(() => answers(`http://127.0.0.1:${webhookHealthPort}/readyz`), startTimeoutMs);
      await api.apply(webhookConfiguration(webhookPort ?? 0, certificates.read("ca.crt")));
      for (const object of externalMetrics(adapterPort ?? 0)) await api.apply(object);
      await adapter.until(() => api.get("/apis/external.metrics.k8s.io/v1beta1"), startTimeoutMs);
    } catch (error) {
      await keda.stop();
      throw error;
    }
    return keda;
  }

  private constructor(processes: readonly EngineProcess[]) {
    this.#processes = processes;
  }

  async stop(): Promise<void> {
    for (const engine of this.#processes) await engine.stop();
  }
}

export function readDocuments(path: string): ApiObject[] {
  return parseAllDocuments(readFileSync(path, "utf8")).flatMap((document) => {
    const object = document.toJS() as ApiObject | null;
    return object === null ? [] : [object];
  });
}

/** Operator, webhook and metrics server share one certificate, under the names that KEDA gives its files. */
function makeCertificateFolder({ folder, certificates }: ControlPlane): string {
  const path = join(folder, "keda");
  mkdirSync(path);
  const { certificate, key } = certificates.make("keda", "/CN=keda-operator");
  copyFileSync(certificates.authority, join(path, "ca.crt"));
  copyFileSync(certificate, join(path, "tls.crt"));
  copyFileSync(key, join(path, "tls.key"));
  return path;
}

/** KEDA's own, but at an address of this machine, and failing closed. */
function webhookConfiguration(port: number, authority: string): ApiObject {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "keda-admission" },
    webhooks: webhookKinds.map((kind) => ({
      name: `v${kind}.kb.io`,
      admissionReviewVersions: ["v1"],
      sideEffects: "None",
      failurePolicy: "Fail",
      clientConfig: {
        url: `https://127.0.0.1:${port}/validate-keda-sh-v1alpha1-${kind}`,
        caBundle: Buffer.from(authority).toString("base64"),
      },
      rules: [
        {
          apiGroups: ["keda.sh"],
          apiVersions: ["v1alpha1"],
          operations: ["CREATE", "UPDATE"],
          resources: [`${kind}s`],
        },
      ],
    })),
  };
}

/** The HPA asks for external metrics at the API server, which asks KEDA. */
function externalMetrics(port: number): ApiObject[] {
  const service = { namespace: "keda", name: "keda-metrics-apiserver", port };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: service.namespace, name: service.name },
      spec: { type: "ExternalName", externalName: "localhost", ports: [{ port }] },
    },
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: "v1beta1.external.metrics.k8s.io" },
      spec: {
        service,
        group: "external.metrics.k8s.io",
        version: "v1beta1",
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
      },
    },
  ];
}

async function answers(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { freePort } from "../../packages/runtime/src/index.ts";
import { ApiClient } from "./api-client.ts";
import { Certificates } from "./certificates.ts";
import { EngineProcess } from "./engine-process.ts";
import type { Engines } from "./engines.ts";

/** Ten times what an idle machine takes. */
const startTimeoutMs = 120_000;
/** The default is 15 s, longer than tests should wait. */
const hpaSyncPeriod = "2s";

/** etcd, the API server and the controller manager: a cluster without a node. */
export class ControlPlane {
  readonly folder: string;
  readonly certificates: Certificates;
  readonly api: ApiClient;
  readonly kubeconfig: string;
  readonly url: string;
  readonly #processes: readonly EngineProcess[];

  static async start(engines: Engines, folder: string): Promise<ControlPlane> {
    const certificates = new Certificates(folder);
    const admin = certificates.make("admin", "/O=system:masters/CN=admin");
    const server = certificates.make("apiserver", "/CN=kube-apiserver");
    const proxy = certificates.make("front-proxy", "/CN=front-proxy-client");
    const [etcdPort, etcdPeerPort, apiPort, managerPort] = await Promise.all(
      Array.from({ length: 4 }, () => freePort()),
    );
    const { authority } = certificates;
    const etcd = new EngineProcess({
      command: engines.binary("etcd"),
      args: [
        `--data-dir=${join(folder, "etcd")}`,
        `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
        `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
        `--listen-peer-urls=http://127.0.0.1:${etcdPeerPort}`,
        `--initial-advertise-peer-urls=http://127.0.0.1:${etcdPeerPort}`,
        `--initial-cluster=default=http://127.0.0.1:${etcdPeerPort}`,
        "--unsafe-no-fsync",
        "--log-level=warn",
      ],
      logFile: join(folder, "etcd.log"),
    });
    const apiServer = new EngineProcess({
      command: engines.binary("kube-apiserver"),
      args: [
        `--etcd-servers=http://127.0.0.1:${etcdPort}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${apiPort}`,
        // A Service must not point to a loopback address.
        "--endpoint-reconciler-type=none",
        "--authorization-mode=RBAC",
        `--client-ca-file=${authority}`,
        `--tls-cert-file=${server.certificate}`,
        `--tls-private-key-file=${server.key}`,
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${certificates.path("service-accounts.key")}`,
        `--service-account-signing-key-file=${certificates.path("service-accounts.key")}`,
        "--service-cluster-ip-range=10.96.0.0/16",
        `--requestheader-client-ca-file=${authority}`,
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        `--proxy-client-cert-file=${proxy.certificate}`,
        `--proxy-client-key-file=${proxy.key}`,
        "--profiling=false",
      ],
      logFile: join(folder, "kube-apiserver.log"),
    });
    const api = new ApiClient({ port: apiPort ?? 0, authority, ...admin });
    const kubeconfig = writeKubeconfig(folder, apiPort ?? 0, certificates);
    const processes = [apiServer, etcd];
    try {
      await apiServer.until(() => api.ready(), startTimeoutMs);
      const manager = new EngineProcess({
        command: engines.binary("kube-controller-manager"),
        args: [
          `--kubeconfig=${kubeconfig}`,
          `--authentication-kubeconfig=${kubeconfig}`,
          `--authorization-kubeconfig=${kubeconfig}`,
          "--bind-address=127.0.0.1",
          `--secure-port=${managerPort}`,
          `--root-ca-file=${authority}`,
          `--service-account-private-key-file=${certificates.path("service-accounts.key")}`,
          "--leader-elect=false",
          `--horizontal-pod-autoscaler-sync-period=${hpaSyncPeriod}`,
        ],
        logFile: join(folder, "kube-controller-manager.log"),
      });
      processes.unshift(manager);
      // It works once it has created the first namespace's service account.
      await manager.until(
        () => api.get("/api/v1/namespaces/default/serviceaccounts/default"),
        startTimeoutMs,
      );
    } catch (error) {
      for (const engine of processes) await engine.stop();
      throw error;
    }
    const url = `https://127.0.0.1:${apiPort}`;
    return new ControlPlane({ folder, certificates, api, kubeconfig, url }, processes);
  }

  private constructor(
    parts: Pick<ControlPlane, "folder" | "certificates" | "api" | "kubeconfig" | "url">,
    processes: readonly EngineProcess[],
  ) {
    this.folder = parts.folder;
    this.certificates = parts.certificates;
    this.api = parts.api;
    this.kubeconfig = parts.kubeconfig;
    this.url = parts.url;
    this.#processes = processes;
  }

  async stop(): Promise<void> {
    for (const engine of this.#processes) await engine.stop();
  }
}

function writeKubeconfig(folder: string, port: number, certificates: Certificates): string {
  const data = (name: string) => readFileSync(certificates.path(name)).toString("base64");
  const path = join(folder, "kubeconfig");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "engines",
        cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority-data": data("ca.crt") },
      },
    ],
    users: [
      {
        name: "admin",
        user: { "client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key") },
      },
    ],
    contexts: [{ name: "engines", context: { cluster: "engines", user: "admin" } }],
    "current-context": "engines",
  };
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

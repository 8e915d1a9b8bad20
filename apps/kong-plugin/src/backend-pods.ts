import type { BackendPod } from "@kong-serverless/activator";
import type { KongPluginEnvironment } from "@kong-serverless/config";
import type { ProbeTarget } from "@kong-serverless/health-poller";
import { InClusterApiServer, ServicePods } from "@kong-serverless/kubernetes-watch";
import type { Log } from "@kong-serverless/runtime";

type WatchSettings = Pick<KongPluginEnvironment, "kubernetesApiUrl" | "KUBERNETES_ACCOUNT_FOLDER">;

/** The pods behind the backends' Services, each probed as its Service would be, including the host name. */
export class BackendPods {
  readonly #services: ServicePods;

  constructor(
    namespaces: readonly string[],
    { kubernetesApiUrl: url, KUBERNETES_ACCOUNT_FOLDER: folder }: WatchSettings,
    log: Log,
  ) {
    const server = new InClusterApiServer({ url, folder });
    this.#services = new ServicePods({ server, namespaces, log });
  }

  get watched(): ServicePods["watched"] {
    return this.#services.watched;
  }

  start(): void {
    this.#services.start();
  }

  stop(): Promise<void> {
    return this.#services.stop();
  }

  behind(target: ProbeTarget): BackendPod[] {
    const service = new URL(target.url);
    return this.#services.addressesOf(target.url).map((address) => {
      const url = new URL(service);
      url.hostname = address.host.includes(":") ? `[${address.host}]` : address.host;
      url.port = String(address.port);
      return {
        address,
        target: { ...target, url: url.href, headers: { host: service.host, ...target.headers } },
      };
    });
  }
}

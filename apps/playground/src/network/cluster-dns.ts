import type { Endpoint } from "./endpoint.ts";

/** `name.namespace.svc`, with or without the cluster's domain. */
const serviceHost = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?$/;

/** Cluster DNS: where a Service's port is found on this machine. */
export class ClusterDns {
  readonly #addresses = new Map<string, Endpoint>();

  add(namespace: string, service: string, port: number, address: Endpoint): void {
    this.#addresses.set(`${service}.${namespace}:${port}`, address);
  }

  /** `text`, a URL or `host:port`, as it is reached from this machine; undefined where it names no known Service. */
  resolve(text: string): string | undefined {
    const hasScheme = text.includes("://");
    const url = URL.parse(hasScheme ? text : `http://${text}`);
    const [, service, namespace] = serviceHost.exec(url?.hostname ?? "") ?? [];
    const address = url && this.#addresses.get(`${service}.${namespace}:${url.port || "80"}`);
    if (!url || !address) return undefined;
    const authority = `${address.host}:${address.port}`;
    return hasScheme ? text.replace(/(?<=:\/\/)[^/?#]+/, authority) : authority;
  }
}

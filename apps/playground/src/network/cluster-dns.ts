import type { Endpoint } from "./endpoint.ts";

/** `name.namespace.svc`, with or without the cluster's domain. */
const serviceHost = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?$/;

/** Cluster DNS: where a Service's port is found on this machine. */
export class ClusterDns {
  readonly #addresses = new Map<string, Endpoint>();

  add(namespace: string, service: string, port: number, address: Endpoint): void {
    this.#addresses.set(`${service}.${namespace}:${port}`, address);
  }

  /** The URL as it is reached from this machine; undefined where its host is no known Service. */
  resolve(url: string): string | undefined {
    if (!URL.canParse(url)) return undefined;
    const parsed = new URL(url);
    const [, service, namespace] = serviceHost.exec(parsed.hostname) ?? [];
    const port = parsed.port || (parsed.protocol === "https:" ? "443" : "80");
    const address = this.#addresses.get(`${service}.${namespace}:${port}`);
    if (!address) return undefined;
    parsed.hostname = address.host;
    parsed.port = String(address.port);
    // As it was written: a base URL stays without the slash that URL adds.
    return url.endsWith("/") ? parsed.href : parsed.href.replace(/\/$/, "");
  }
}

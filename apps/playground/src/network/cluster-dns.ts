import { serviceAddress } from "@kong-serverless/manifests";

import type { Endpoint } from "./endpoint.ts";

/** Cluster DNS: where a Service's port is found on this machine. */
export class ClusterDns {
  readonly #addresses = new Map<string, Endpoint>();

  add(namespace: string, service: string, port: number, address: Endpoint): void {
    this.#addresses.set(`${service}.${namespace}:${port}`, address);
  }

  /** Translates a URL or `host:port` to this machine's address for it; undefined if it names no known Service. */
  resolve(text: string): string | undefined {
    const hasScheme = text.includes("://");
    const service = serviceAddress(hasScheme ? text : `http://${text}`);
    const address = service && this.#addresses.get(`${service.name}.${service.namespace}:${service.port}`);
    if (!address) return undefined;
    const authority = `${address.host}:${address.port}`;
    return hasScheme ? text.replace(/(?<=:\/\/)[^/?#]+/, authority) : authority;
  }
}

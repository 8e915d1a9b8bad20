import type { Log } from "@kong-serverless/runtime";

import type { ApiServer } from "./in-cluster-api-server.ts";
import { watchResources } from "./watch-resources.ts";

/** Where a pod listens. */
export interface EndpointAddress {
  readonly host: string;
  readonly port: number;
}

export interface ServicePodsOptions {
  readonly server: ApiServer;
  readonly namespaces: readonly string[];
  readonly log: Log;
}

/** What is read of https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/ */
interface EndpointSlice {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly addressType: string;
  readonly endpoints?:
    | readonly {
        readonly addresses: readonly string[];
        readonly conditions?: { readonly ready?: boolean; readonly terminating?: boolean };
      }[]
    | null;
  readonly ports?: readonly { readonly port?: number; readonly protocol?: string }[] | null;
}

/** One slice's part of a Service. */
interface Part {
  readonly service: string;
  readonly ports: readonly number[];
  readonly endpoints: readonly { readonly host: string; readonly isReady: boolean }[];
}

/** A backend that is starting has a pod or two; of one with many, a few are enough to find one that answers. */
const maxAddresses = 5;

/** Knows the pods behind the Services of some namespaces, those that are not ready yet included, from their EndpointSlices. */
export class ServicePods {
  readonly #options: ServicePodsOptions;
  readonly #stopping = new AbortController();
  /** By namespace, then by the slice's name; a namespace that cannot be seen at the moment has no entry. */
  readonly #parts = new Map<string, Map<string, Part>>();
  #watches: Promise<void>[] = [];

  constructor(options: ServicePodsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#watches = this.#options.namespaces.map((namespace) => this.#watch(namespace));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#watches);
  }

  /** The namespaces, each with whether its Services can be seen at the moment. */
  get watched(): readonly { readonly namespace: string; readonly isCurrent: boolean }[] {
    return this.#options.namespaces.map((namespace) => ({
      namespace,
      isCurrent: this.#parts.has(namespace),
    }));
  }

  /**
   * A few of the pods behind the Service that a URL leads to, ready ones first. Empty for other hosts, for a namespace that is
   * not watched or cannot be seen at the moment, and for a Service of several ports: an EndpointSlice does not
   * show which of a pod's ports belongs to which of the Service's.
   */
  addressesOf(url: string): readonly EndpointAddress[] {
    const [, service, namespace = ""] =
      /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.|$)/.exec(new URL(url).hostname) ?? [];
    const parts = [...(this.#parts.get(namespace)?.values() ?? [])].filter(
      (part) => part.service === service && part.endpoints.length > 0,
    );
    if (parts.some(({ ports }) => ports.length !== 1)) return [];
    return parts
      .flatMap(({ endpoints, ports: [port = 0] }) => endpoints.map((endpoint) => ({ ...endpoint, port })))
      .toSorted((a, b) => Number(b.isReady) - Number(a.isReady))
      .slice(0, maxAddresses)
      .map(({ host, port }) => ({ host, port }));
  }

  #watch(namespace: string): Promise<void> {
    const { server, log } = this.#options;
    let isLost = false;
    return watchResources<EndpointSlice>(
      {
        server,
        path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
        onSynced: (slices) => {
          this.#parts.set(namespace, new Map(slices.map((slice) => [slice.metadata.name, partOf(slice)])));
          log.info({ namespace, slices: slices.length }, "endpoints.watched");
          isLost = false;
        },
        onChanged: (slice) => this.#parts.get(namespace)?.set(slice.metadata.name, partOf(slice)),
        onRemoved: (slice) => this.#parts.get(namespace)?.delete(slice.metadata.name),
        onLost: (error) => {
          // By now the addresses may belong to other pods.
          this.#parts.delete(namespace);
          if (!isLost) log.warn({ namespace, error: error.message }, "endpoints.lost");
          isLost = true;
        },
      },
      this.#stopping.signal,
    );
  }
}

function partOf({ metadata, addressType, endpoints, ports }: EndpointSlice): Part {
  return {
    service: metadata.labels?.["kubernetes.io/service-name"] ?? "",
    ports: (ports ?? []).flatMap(({ port, protocol = "TCP" }) =>
      protocol === "TCP" && port !== undefined ? [port] : [],
    ),
    endpoints:
      addressType === "FQDN"
        ? []
        : (endpoints ?? []).flatMap(({ addresses: [host], conditions }) =>
            host === undefined || conditions?.terminating === true
              ? []
              : [{ host, isReady: conditions?.ready ?? true }],
          ),
  };
}

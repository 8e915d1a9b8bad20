import type { KubeconfigApiServer } from "../live/kubeconfig-api-server.ts";

interface GatewayList {
  readonly items?: readonly { readonly metadata: { readonly namespace: string; readonly name: string } }[];
}

/** The cluster's first Gateway, as `namespace/name`; undefined if there is none, or listing is forbidden. */
export async function findGateway(server: KubeconfigApiServer): Promise<string | undefined> {
  const { status, body } = await server.get("/apis/gateway.networking.k8s.io/v1/gateways");
  const [first] = status === 200 ? ((body as GatewayList).items ?? []) : [];
  return first && `${first.metadata.namespace}/${first.metadata.name}`;
}

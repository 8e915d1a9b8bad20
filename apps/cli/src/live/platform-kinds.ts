import type { KubeconfigApiServer } from "./kubeconfig-api-server.ts";
import type { MissingKind } from "./live-system.ts";

/** A kind that the system uses, and where the API server serves it. */
export interface PlatformKind {
  readonly groupVersion: string;
  readonly kind: string;
  readonly plural: string;
  /** What installs it; undefined for Kubernetes' own. */
  readonly broughtBy?: string;
  /** Whether its objects have no namespace. */
  readonly isClusterWide?: boolean;
}

/** Kinds that show which namespaces the system uses. */
export const systemKinds: readonly PlatformKind[] = [
  {
    groupVersion: "configuration.konghq.com/v1",
    kind: "KongPlugin",
    plural: "kongplugins",
    broughtBy: "the Kong Ingress Controller",
  },
  {
    groupVersion: "configuration.konghq.com/v1",
    kind: "KongClusterPlugin",
    plural: "kongclusterplugins",
    broughtBy: "the Kong Ingress Controller",
    isClusterWide: true,
  },
  { groupVersion: "keda.sh/v1alpha1", kind: "ScaledObject", plural: "scaledobjects", broughtBy: "KEDA" },
  {
    groupVersion: "keda.sh/v1alpha1",
    kind: "TriggerAuthentication",
    plural: "triggerauthentications",
    broughtBy: "KEDA",
  },
  {
    groupVersion: "keda.sh/v1alpha1",
    kind: "ClusterTriggerAuthentication",
    plural: "clustertriggerauthentications",
    broughtBy: "KEDA",
    isClusterWide: true,
  },
  { groupVersion: "dapr.io/v1alpha1", kind: "Component", plural: "components", broughtBy: "Dapr" },
  { groupVersion: "networking.k8s.io/v1", kind: "Ingress", plural: "ingresses" },
  { groupVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", plural: "networkpolicies" },
  { groupVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", plural: "httproutes" },
  { groupVersion: "gateway.networking.k8s.io/v1beta1", kind: "ReferenceGrant", plural: "referencegrants" },
  { groupVersion: "apps/v1", kind: "Deployment", plural: "deployments" },
  { groupVersion: "apps/v1", kind: "StatefulSet", plural: "statefulsets" },
  { groupVersion: "v1", kind: "Service", plural: "services" },
  { groupVersion: "v1", kind: "ConfigMap", plural: "configmaps" },
  { groupVersion: "v1", kind: "Pod", plural: "pods" },
  { groupVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", plural: "endpointslices" },
];

/** The API server's path of the group and version. */
export function apiPath(groupVersion: string): string {
  return groupVersion.includes("/") ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
}

interface GroupList {
  readonly groups?: readonly {
    readonly name: string;
    readonly versions: readonly { readonly groupVersion: string }[];
  }[];
}
interface ResourceList {
  readonly resources?: readonly { readonly kind: string }[];
}

/** Finds the operators' kinds that are missing, or not served in the version that the manifests use. */
export async function findMissingKinds(server: KubeconfigApiServer, cluster: string): Promise<MissingKind[]> {
  const { groups = [] } = (await server.get("/apis")).body as GroupList;
  const missing: MissingKind[] = [];
  for (const { groupVersion, kind, plural, broughtBy } of systemKinds) {
    if (broughtBy === undefined) continue;
    const [name = ""] = groupVersion.split("/");
    const where = { file: cluster, path: `CustomResourceDefinition ${plural}.${name}` };
    const versions =
      groups.find((group) => group.name === name)?.versions.map((version) => version.groupVersion) ?? [];
    if (versions.length > 0 && !versions.includes(groupVersion)) {
      missing.push({ kind, groupVersion, broughtBy, servedVersions: versions, where });
      continue;
    }
    const { resources = [] } =
      versions.length > 0 ? ((await server.get(apiPath(groupVersion))).body as ResourceList) : {};
    if (resources.some((resource) => resource.kind === kind)) continue;
    missing.push({ kind, groupVersion, broughtBy, servedVersions: [], where });
  }
  return missing;
}

import type { Manifest, Manifests } from "./manifests.ts";
import type { Place } from "./place.ts";
import { globalPlugins, pluginReferences, resolvePlugin } from "./plugin-reference.ts";
import { isReferenceGranted } from "./reference-grant.ts";

/** A path of an Ingress or HTTPRoute, with the Service that it leads to. */
export interface ServiceRoute {
  /** The Ingress or HTTPRoute. */
  readonly manifest: Manifest;
  /** Unique among all routes. */
  readonly name: string;
  /** Empty: any. */
  readonly hosts: readonly string[];
  readonly path: string;
  readonly pathType: "Prefix" | "Exact" | "ImplementationSpecific" | "RegularExpression";
  /** What names the Service: `backend.service`, or an item of `backendRefs`. */
  readonly place: Place;
  readonly serviceName: string | undefined;
  readonly serviceNamespace: string;
  readonly service: Manifest | undefined;
  /** Whether the Service's namespace lets the route lead there, as it must where it is another one. */
  readonly isServiceGranted: boolean;
  /** The port of the Service, by number or name. */
  readonly port: Place;
  /** Whether it is not the first of several Services that a rule spreads requests over. */
  readonly isWeighted: boolean;
  /** What else a request has to have: headers, a method, parameters. */
  readonly conditions: readonly Place[];
  /** The plugins that run on it, found and granted: the route's own before the Service's before those of all requests. */
  readonly plugins: readonly Manifest[];
}

export function readRoutes(manifests: Manifests): ServiceRoute[] {
  return [
    ...manifests.of("Ingress").flatMap((ingress) => readIngress(ingress, manifests)),
    ...manifests.of("HTTPRoute").flatMap((route) => readHttpRoute(route, manifests)),
  ];
}

function readIngress(manifest: Manifest, manifests: Manifests): ServiceRoute[] {
  const spec = manifest.root.at("spec");
  const toRoute = (
    backend: Place,
    rest: Pick<ServiceRoute, "name" | "hosts" | "path" | "pathType">,
  ): ServiceRoute[] => {
    const place = backend.at("service");
    // A backend may be some other resource, which only the ingress controller knows.
    if (!place.exists) return [];
    const { text: serviceName } = place.at("name");
    const port = place.at("port");
    return [
      withPlugins(manifests, {
        ...rest,
        manifest,
        place,
        serviceName,
        serviceNamespace: manifest.namespace,
        port: port.at(port.at("name").exists ? "name" : "number"),
        isServiceGranted: true,
        isWeighted: false,
        conditions: [],
        references: pluginReferences(manifest),
      }),
    ];
  };
  const base = `${manifest.namespace}.${manifest.name}`;
  return [
    ...spec.at("rules").items.flatMap((rule, ruleIndex) =>
      rule.at("http", "paths").items.flatMap((path, pathIndex) =>
        toRoute(path.at("backend"), {
          name: `${base}.${ruleIndex}.${pathIndex}`,
          hosts: hostsOf(rule.at("host").text ?? ""),
          path: path.at("path").text ?? "/",
          pathType: ingressPathType(path.at("pathType").text),
        }),
      ),
    ),
    ...toRoute(spec.at("defaultBackend"), {
      name: `${base}.default`,
      hosts: [],
      path: "/",
      pathType: "Prefix",
    }),
  ];
}

function ingressPathType(text: string | undefined): ServiceRoute["pathType"] {
  return text === "Exact" || text === "ImplementationSpecific" ? text : "Prefix";
}

const httpPathTypes: Readonly<Record<string, ServiceRoute["pathType"]>> = {
  Exact: "Exact",
  PathPrefix: "Prefix",
  RegularExpression: "RegularExpression",
};

/** https://gateway-api.sigs.k8s.io/reference/spec/#httproute */
function readHttpRoute(manifest: Manifest, manifests: Manifests): ServiceRoute[] {
  const spec = manifest.root.at("spec");
  const hosts = spec.at("hostnames").items.flatMap(({ text }) => hostsOf(text ?? ""));
  const all = pluginReferences(manifest);
  return spec.at("rules").items.flatMap((rule, ruleIndex) => {
    const matches = rule.at("matches").items;
    const paths =
      matches.length === 0
        ? [{ path: "/", pathType: "Prefix" as const, conditions: [] }]
        : matches.map(matchedPath);
    const references = all.filter(({ rule: only }) => only === undefined || only === ruleIndex);
    return paths.flatMap((matched, matchIndex) =>
      rule.at("backendRefs").items.flatMap((place, backendIndex) => {
        if ((place.at("kind").text ?? "Service") !== "Service") return [];
        const serviceName = place.at("name").text;
        const serviceNamespace = place.at("namespace").text ?? manifest.namespace;
        const to = { group: "", kind: "Service", namespace: serviceNamespace, name: serviceName ?? "" };
        return withPlugins(manifests, {
          ...matched,
          manifest,
          name: `${manifest.namespace}.${manifest.name}.${ruleIndex}.${matchIndex}.${backendIndex}`,
          hosts,
          place,
          serviceName,
          serviceNamespace,
          isServiceGranted:
            serviceNamespace === manifest.namespace || isReferenceGranted(manifests, { from: manifest, to }),
          port: place.at("port"),
          isWeighted: backendIndex > 0,
          references,
        });
      }),
    );
  });
}

function matchedPath(match: Place): Pick<ServiceRoute, "path" | "pathType" | "conditions"> {
  return {
    conditions: ["headers", "method", "queryParams"]
      .map((name) => match.at(name))
      .filter(({ exists }) => exists),
    path: match.at("path", "value").text ?? "/",
    pathType: httpPathTypes[match.at("path", "type").text ?? ""] ?? "Prefix",
  };
}

function hostsOf(host: string): string[] {
  return host === "" || host === "*" ? [] : [host];
}

const nameOf = ({ root }: Manifest) => root.at("plugin").text;

function withPlugins(
  manifests: Manifests,
  {
    references,
    ...rest
  }: Omit<ServiceRoute, "service" | "plugins"> & { readonly references: ReturnType<typeof pluginReferences> },
): ServiceRoute {
  const service = manifests.find("Service", rest.serviceNamespace, rest.serviceName ?? "");
  const own = [...references, ...(service ? pluginReferences(service) : [])];
  const plugins = own.flatMap((reference) => {
    const { plugin, isGranted } = resolvePlugin(manifests, reference);
    return plugin !== undefined && isGranted ? [plugin] : [];
  });
  // Kong runs the nearest of each name.
  const elsewhere = globalPlugins(manifests).filter(
    (other) => !plugins.some((plugin) => nameOf(plugin) === nameOf(other)),
  );
  return { ...rest, service, plugins: [...new Set([...plugins, ...elsewhere])] };
}

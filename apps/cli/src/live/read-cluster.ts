import {
  type Manifest,
  Manifests,
  pluginKinds,
  pluginName,
  pluginReferences,
  resolvePlugin,
  serviceAddress,
  toManifest,
} from "@kong-serverless/manifests";

import type { Shell } from "../shell.ts";
import type { KubeconfigApiServer } from "./kubeconfig-api-server.ts";
import { apiPath, type PlatformKind, systemKinds } from "./platform-kinds.ts";

export interface ClusterManifests {
  readonly manifests: Manifests;
  /** What could not be read, and why. */
  readonly skipped: readonly string[];
}

export interface ReadClusterOptions {
  /** How findings name the cluster. */
  readonly cluster: string;
  /** Namespaces to look at in addition to those in which the plugin is used. */
  readonly namespaces: readonly string[];
  readonly progress?: Shell["progress"];
}

interface ObjectList {
  readonly items?: readonly Record<string, unknown>[];
  readonly metadata?: { readonly continue?: string };
  readonly message?: string;
}

const pageSize = 500;
/** Kinds that name plugins. */
const userKinds = new Set(["Ingress", "HTTPRoute", "Service"]);
const isPlugin = ({ kind }: { readonly kind: string }) => pluginKinds.some((plugin) => plugin === kind);

/** Reads the system's objects in the namespaces that it uses. Secrets are not read. */
export async function readCluster(
  server: KubeconfigApiServer,
  { cluster, namespaces, progress = () => {} }: ReadClusterOptions,
): Promise<ClusterManifests> {
  const skipped: string[] = [];
  const list = (kind: PlatformKind, namespace?: string) =>
    listObjects(server, kind, { namespace, cluster, skipped });
  const lists = async (kinds: readonly PlatformKind[], namespace?: string) => {
    const objects: Manifest[] = [];
    for (const kind of kinds) objects.push(...(await list(kind, namespace)));
    return objects;
  };
  progress("Looking for plugins");
  // Plugins are usually in the namespace that uses them.
  const plugins = (await lists(systemKinds.filter(isPlugin))).filter(
    ({ root }) => root.at("plugin").text === pluginName,
  );
  const ofCluster = await lists(systemKinds.filter((kind) => kind.isClusterWide === true && !isPlugin(kind)));
  const inNamespace = systemKinds.filter((kind) => kind.isClusterWide !== true && !isPlugin(kind));
  const found = new Map<string, Manifest[]>();
  const read = async (...pending: string[]) => {
    for (let namespace = pending.shift(); namespace !== undefined; namespace = pending.shift()) {
      if (found.has(namespace)) continue;
      progress(`Reading the namespace ${namespace}`);
      const objects = await lists(inNamespace, namespace);
      found.set(namespace, objects);
      // The demand's URL names the gateway's namespace.
      pending.push(...objects.flatMap(demandNamespaces));
    }
  };
  const own = plugins.filter(({ kind }) => kind === "KongPlugin").map(({ namespace }) => namespace);
  await read(...namespaces, ...own);
  const isShared = plugins.length > own.length || [...found.values()].flat().some(grantsPlugins);
  if (isShared) {
    const users = await lists(systemKinds.filter(({ kind }) => userKinds.has(kind)));
    const known = new Manifests([...plugins, ...found.values()].flat());
    await read(...users.filter((user) => usesPlugin(user, known)).map(({ namespace }) => namespace));
  }
  return {
    manifests: new Manifests([...plugins, ...ofCluster, ...found.values()].flat(), { isComplete: true }),
    skipped,
  };
}

function grantsPlugins({ kind, root }: Manifest): boolean {
  const granted = kind === "ReferenceGrant" ? root.at("spec", "to").items : [];
  return granted.some((to) => to.at("kind").text === "KongPlugin");
}

function usesPlugin(user: Manifest, known: Manifests): boolean {
  return pluginReferences(user).some(
    (reference) => resolvePlugin(known, reference).plugin?.root.at("plugin").text === pluginName,
  );
}

function demandNamespaces({ kind, root }: Manifest): string[] {
  if (kind !== "ScaledObject") return [];
  const triggers = root.at("spec", "triggers").items;
  return triggers.flatMap(
    (trigger) => serviceAddress(trigger.at("metadata", "url").text ?? "")?.namespace ?? [],
  );
}

async function listObjects(
  server: KubeconfigApiServer,
  { groupVersion, kind, plural }: PlatformKind,
  { namespace, cluster, skipped }: { namespace: string | undefined; cluster: string; skipped: string[] },
): Promise<Manifest[]> {
  const folder = namespace === undefined ? "" : `/namespaces/${namespace}`;
  const manifests: Manifest[] = [];
  let token = "";
  do {
    const query = new URLSearchParams({ limit: String(pageSize), ...(token !== "" && { continue: token }) });
    const { status, body } = await server.get(
      `${apiPath(groupVersion)}${folder}/${plural}?${query.toString()}`,
    );
    const { items = [], metadata, message } = body as ObjectList;
    if (status !== 200) {
      // A kind that the cluster does not know is a separate finding.
      if (status !== 404)
        skipped.push(`${plural}${namespace === undefined ? "" : ` in ${namespace}`}: ${message ?? status}`);
      return [];
    }
    for (const item of items) {
      const document = { ...item, kind, apiVersion: groupVersion };
      const { name } = item["metadata"] as { name: string };
      const file = `${cluster}: ${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
      const manifest = toManifest(document, [{ file, document }]);
      if (manifest) manifests.push(manifest);
    }
    token = metadata?.continue ?? "";
  } while (token !== "");
  return manifests;
}

import { type Manifest, Manifests, pluginName, serviceAddress, toManifest } from "@kong-serverless/manifests";

import type { ApiServer } from "./api-server.ts";
import { apiPath, type PlatformKind, systemKinds } from "./platform-kinds.ts";

export interface ClusterManifests {
  readonly manifests: Manifests;
  /** What could not be read, and why. */
  readonly skipped: readonly string[];
}

export interface ReadClusterOptions {
  /** How findings name the cluster. */
  readonly cluster: string;
  /** Namespaces to look at beside those in which the plugin is used. */
  readonly namespaces: readonly string[];
}

interface ObjectList {
  readonly items?: readonly Record<string, unknown>[];
  readonly metadata?: { readonly continue?: string };
  readonly message?: string;
}

const pageSize = 500;
/** Plugins stand where they are used; cluster-wide ones are asked for by the same path. */
const [pluginKind, clusterPluginKind] = systemKinds as [PlatformKind, PlatformKind];

/** Reads the objects that the system is made of, of the namespaces that it lives in. Secrets are not read. */
export async function readCluster(
  server: ApiServer,
  { cluster, namespaces }: ReadClusterOptions,
): Promise<ClusterManifests> {
  const skipped: string[] = [];
  const list = (kind: PlatformKind, namespace?: string) =>
    listObjects(server, kind, { namespace, cluster, skipped });
  const plugins = [...(await list(pluginKind)), ...(await list(clusterPluginKind))].filter(
    ({ root }) => root.at("plugin").text === pluginName,
  );
  const found = new Map<string, Manifest[]>();
  const pending = [
    ...namespaces,
    ...plugins.filter(({ kind }) => kind === pluginKind.kind).map(({ namespace }) => namespace),
  ];
  for (let namespace = pending.shift(); namespace !== undefined; namespace = pending.shift()) {
    if (found.has(namespace)) continue;
    const objects: Manifest[] = [];
    for (const kind of systemKinds) {
      if (kind === pluginKind || kind === clusterPluginKind) continue;
      objects.push(...(await list(kind, namespace)));
    }
    found.set(namespace, objects);
    // The gateway's namespace is where the demand is asked for.
    pending.push(...objects.flatMap(demandNamespaces));
  }
  return { manifests: new Manifests([...plugins, ...found.values()].flat(), { isComplete: true }), skipped };
}

function demandNamespaces({ kind, root }: Manifest): string[] {
  if (kind !== "ScaledObject") return [];
  const triggers = root.at("spec", "triggers").items;
  return triggers.flatMap(
    (trigger) => serviceAddress(trigger.at("metadata", "url").text ?? "")?.namespace ?? [],
  );
}

async function listObjects(
  server: ApiServer,
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
      // A kind that the cluster does not know is a finding of its own.
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

import type { Manifest, Manifests } from "./manifests.ts";
import type { Place } from "./place.ts";

/** Pods that connect, or that are connected to, as far as the manifests tell of them. */
export interface Pods {
  /** Undefined: not known. */
  readonly namespace: string | undefined;
  readonly labels: Labels;
}

export interface Labels {
  readonly known: ReadonlyMap<string, string>;
  /** Whether there are no others. */
  readonly areAll: boolean;
}

export interface PodConnection {
  readonly from: Pods;
  readonly to: { readonly namespace: string; readonly labels: Labels };
  /** Of the pods, by number, and by name where it has one. */
  readonly port: number | undefined;
  readonly portName: string | undefined;
}

type Verdict = "yes" | "no" | "unknown";

/**
 * The NetworkPolicies that shut a connection out; none where it is let in, where no policy is about these pods, or where that cannot be
 * known. https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */
export function policiesThatShutOut(manifests: Manifests, connection: PodConnection): Manifest[] {
  const { to } = connection;
  const about = manifests
    .of("NetworkPolicy")
    .filter(({ namespace, root }) => namespace === to.namespace && isAboutIngress(root))
    .filter(({ root }) => matches(root.at("spec", "podSelector"), to.labels) === "yes");
  const answers = about.flatMap(({ root, namespace }) =>
    root.at("spec", "ingress").items.map((rule) => admits(manifests, rule, { ...connection, namespace })),
  );
  return answers.every((admitted) => admitted === "no") ? about : [];
}

function isAboutIngress(root: Place): boolean {
  const types = root.at("spec", "policyTypes");
  return !types.exists || types.items.some(({ text }) => text === "Ingress");
}

function admits(
  manifests: Manifests,
  rule: Place,
  { from, port, portName, namespace }: PodConnection & { readonly namespace: string },
): Verdict {
  const ports = rule.at("ports").items;
  if (ports.length > 0 && !ports.some((entry) => hasPort(entry, port, portName))) return "no";
  const peers = rule.at("from").items;
  if (peers.length === 0) return "yes";
  return best(peers.map((peer) => isPeer(manifests, peer, { from, namespace })));
}

function hasPort(entry: Place, port: number | undefined, portName: string | undefined): boolean {
  if ((entry.at("protocol").text ?? "TCP") !== "TCP") return false;
  const written = entry.at("port");
  if (!written.exists) return true;
  if (written.text !== undefined && written.number === undefined) return written.text === portName;
  // A port that is only known by its name may be any number.
  if (port === undefined) return true;
  const last = entry.at("endPort").number ?? written.number ?? 0;
  return port >= (written.number ?? 0) && port <= last;
}

function isPeer(
  manifests: Manifests,
  peer: Place,
  { from, namespace }: { readonly from: Pods; readonly namespace: string },
): Verdict {
  if (peer.at("ipBlock").exists) return "unknown";
  const [byNamespace, byPod] = [peer.at("namespaceSelector"), peer.at("podSelector")];
  const isNamespace = byNamespace.exists
    ? matches(byNamespace, namespaceLabels(manifests, from.namespace))
    : from.namespace === undefined
      ? "unknown"
      : answer(from.namespace === namespace);
  const isPod = byPod.exists ? matches(byPod, from.labels) : "yes";
  if (isNamespace === "no" || isPod === "no") return "no";
  return isNamespace === "unknown" || isPod === "unknown" ? "unknown" : "yes";
}

function namespaceLabels(manifests: Manifests, name: string | undefined): Labels {
  if (name === undefined) return { known: new Map(), areAll: false };
  const namespace = manifests.of("Namespace").find((candidate) => candidate.name === name);
  const own = new Map(namespace?.root.at("metadata", "labels").texts);
  return { known: own.set("kubernetes.io/metadata.name", name), areAll: namespace !== undefined };
}

/** Whether a label selector takes these labels; an empty one takes all. */
function matches(selector: Place, labels: Labels): Verdict {
  return worst([
    ...[...selector.at("matchLabels").texts].map(([key, value]) =>
      ask(labels, key, (found) => found === value),
    ),
    ...selector
      .at("matchExpressions")
      .items.map((expression) =>
        ask(labels, expression.at("key").text ?? "", (found) => isExpressed(expression, found)),
      ),
  ]);
}

function ask({ known, areAll }: Labels, key: string, isSo: (found: string | undefined) => boolean): Verdict {
  return known.has(key) || areAll ? answer(isSo(known.get(key))) : "unknown";
}

function isExpressed(expression: Place, found: string | undefined): boolean {
  const values = new Set(expression.at("values").items.map(({ text }) => text));
  const { text: operator } = expression.at("operator");
  if (operator === "In") return found !== undefined && values.has(found);
  if (operator === "NotIn") return found === undefined || !values.has(found);
  return (operator === "Exists") === (found !== undefined);
}

function answer(isSo: boolean): Verdict {
  return isSo ? "yes" : "no";
}

function best(answers: readonly Verdict[]): Verdict {
  if (answers.includes("yes")) return "yes";
  return answers.includes("unknown") ? "unknown" : "no";
}

function worst(answers: readonly Verdict[]): Verdict {
  if (answers.includes("no")) return "no";
  return answers.includes("unknown") ? "unknown" : "yes";
}

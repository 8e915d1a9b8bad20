import { kedaDefaults, type Manifest, type Manifests, type Place, title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

/** What the admission webhook of KEDA 2.20 refuses, except for a scale target that is already taken. */
export const kedaRefuses: Rule = {
  code: "KEDA_REFUSES",
  topic: "objects",
  severity: "error",
  why: "KEDA's admission webhook refuses the object; without the webhook, KEDA's operator does not act on it.",
  fix: "Correct what the finding names.",
  *check({ manifests }) {
    if (manifests.isComplete) return;
    for (const manifest of manifests.of("ScaledObject", "ScaledJob")) {
      const issues = [
        ...triggerIssues(manifest),
        ...(manifest.kind === "ScaledObject" ? scaledObjectIssues(manifest, manifests) : []),
      ];
      for (const [place, what] of issues) yield fault(place, `${title(manifest)}: ${what}`);
    }
    for (const manifest of manifests.of("TriggerAuthentication", "ClusterTriggerAuthentication")) {
      for (const [place, what] of loginIssues(manifest)) yield fault(place, `${title(manifest)}: ${what}`);
    }
  },
};

type Issue = readonly [place: Place, what: string];

const resourceTriggers = new Set(["cpu", "memory"]);
const longestName = 63;

function* triggerIssues({ root }: Manifest): Generator<Issue> {
  const seen = new Set<string>();
  for (const trigger of root.at("spec", "triggers").items) {
    const { text: type = "" } = trigger.at("type");
    if (trigger.at("useCachedMetrics").isTrue && ["cpu", "memory", "cron"].includes(type)) {
      yield [trigger.at("useCachedMetrics"), `useCachedMetrics is not for ${type} triggers`];
    }
    const name = trigger.at("name");
    if (name.text === undefined || name.text === "") continue;
    if (seen.has(name.text)) yield [name, `two triggers are called ${name.text}`];
    seen.add(name.text);
  }
}

function* scaledObjectIssues(manifest: Manifest, manifests: Manifests): Generator<Issue> {
  yield* replicaIssues(manifest);
  yield* nameIssues(manifest, manifests);
  yield* fallbackIssues(manifest);
  yield* resourceIssues(manifest, manifests);
  yield* formulaIssues(manifest);
}

function* replicaIssues({ root }: Manifest): Generator<Issue> {
  const [min, max, idle] = ["minReplicaCount", "maxReplicaCount", "idleReplicaCount"].map((name) =>
    root.at("spec", name),
  );
  const least = min?.number ?? kedaDefaults.minReplicas;
  const most = max?.number ?? kedaDefaults.maxReplicas;
  if (min?.exists && least > most) yield [min, `minReplicaCount is ${least}, above maxReplicaCount, ${most}`];
  if (idle?.number !== undefined && idle.number >= least) {
    yield [idle, `idleReplicaCount is ${idle.number}, not below minReplicaCount, ${least}`];
  }
}

function* nameIssues({ name, namespace, root }: Manifest, manifests: Manifests): Generator<Issue> {
  const place = root.at("spec", "advanced", "horizontalPodAutoscalerConfig", "name");
  if (name.length > longestName) {
    yield [root.at("metadata", "name"), `its name has ${name.length} characters; ${longestName} are allowed`];
  }
  const autoscaler = autoscalerName(root, name);
  if (autoscaler.length > longestName && name.length <= longestName) {
    yield [
      place.exists ? place : root.at("metadata", "name"),
      `its autoscaler's name, ${autoscaler}, has ${autoscaler.length} characters; ${longestName} are allowed`,
    ];
  }
  const first = manifests
    .of("ScaledObject")
    .find((other) => other.namespace === namespace && autoscalerName(other.root, other.name) === autoscaler);
  if (first !== undefined && first.root !== root && first.name !== name) {
    yield [place, `its autoscaler has the name of ${title(first)}'s, ${autoscaler}`];
  }
}

function autoscalerName(root: Place, name: string): string {
  return root.at("spec", "advanced", "horizontalPodAutoscalerConfig", "name").text || `keda-hpa-${name}`;
}

function* fallbackIssues({ root }: Manifest): Generator<Issue> {
  const fallback = root.at("spec", "fallback");
  if (!fallback.exists) return;
  const isFormula = root.at("spec", "advanced", "scalingModifiers", "formula").exists;
  const triggers = root.at("spec", "triggers").items;
  const areResources = triggers.every((trigger) => resourceTriggers.has(trigger.at("type").text ?? ""));
  if (!isFormula && triggers.length > 0 && areResources) {
    yield [fallback, "a fallback needs a trigger that is not cpu or memory"];
  }
  if (!isFormula && fallback.at("behavior").text === "scalingModifiers") {
    yield [fallback.at("behavior"), "the fallback's behavior scalingModifiers needs a formula"];
  }
}

function* resourceIssues({ root, namespace }: Manifest, manifests: Manifests): Generator<Issue> {
  const triggers = root.at("spec", "triggers").items;
  const resources = triggers.filter((trigger) => resourceTriggers.has(trigger.at("type").text ?? ""));
  if (resources.length === 0) return;
  const min = root.at("spec", "minReplicaCount");
  if (resources.length === triggers.length && (min.number ?? 0) === 0) {
    yield [
      min.exists ? min : root.at("spec", "triggers"),
      "with only cpu and memory triggers minReplicaCount has to be 1 or more",
    ];
  }
  // A namespace's LimitRange may set what a container does not.
  if (manifests.of("LimitRange").some((range) => range.namespace === namespace)) return;
  const reference = root.at("spec", "scaleTargetRef");
  const target = manifests.find(
    reference.at("kind").text ?? "Deployment",
    namespace,
    reference.at("name").text ?? "",
  );
  for (const trigger of resources) {
    const { text: type = "" } = trigger.at("type");
    const only = trigger.at("metadata", "containerName").text;
    for (const container of target?.root.at("spec", "template", "spec", "containers").items ?? []) {
      if (only !== undefined && container.at("name").text !== only) continue;
      const amounts = container.at("resources");
      if (amounts.at("requests", type).exists || amounts.at("limits", type).exists) continue;
      yield [trigger, `container ${container.at("name").text ?? ""} of its target requests no ${type}`];
    }
  }
}

/** Words in formulas that are not triggers. */
const words = new Set(["and", "or", "not", "in", "let", "if", "else", "true", "false", "nil"]);

function* formulaIssues({ root }: Manifest): Generator<Issue> {
  const modifiers = root.at("spec", "advanced", "scalingModifiers");
  if (!modifiers.exists || modifiers.entries.length === 0) return;
  const [formula, target] = [modifiers.at("formula"), modifiers.at("target")];
  if (!formula.text) {
    yield [formula, "scalingModifiers has no formula"];
    return;
  }
  if (!target.exists || target.scalar === "") yield [target, "scalingModifiers has a formula and no target"];
  else if (!(Number(target.scalar) > 0))
    yield [target, `the formula's target is ${target.scalar}, not above 0`];
  const triggers = root.at("spec", "triggers").items;
  const names = new Set(
    triggers
      .filter((trigger) => !resourceTriggers.has(trigger.at("type").text ?? ""))
      .flatMap((trigger) => trigger.at("name").text ?? []),
  );
  const text = formula.text.replace(/"[^"]*"|'[^']*'/g, "");
  const declared = new Set(Array.from(text.matchAll(/\blet\s+(\w+)/g), ([, name]) => name));
  for (const [, name = ""] of text.matchAll(/(?<![\w.#])([A-Za-z_]\w*)\b(?!\s*\()/g)) {
    if (names.has(name) || words.has(name) || declared.has(name)) continue;
    yield [formula, `the formula names ${name}, but no trigger has that name`];
  }
}

function* loginIssues({ root }: Manifest): Generator<Issue> {
  const identity = root.at("spec", "podIdentity");
  if (identity.at("provider").text === "aws") {
    const [role, external] = [identity.at("roleArn"), identity.at("externalID")];
    if (role.text && identity.at("identityOwner").text === "workload") {
      yield [role, "roleArn does not go with identityOwner workload"];
    }
    if (external.text && !role.text) yield [external, "externalID needs a roleArn"];
  }
  if (identity.at("provider").text === "azure-workload") {
    const [host, tenant, id] = ["identityAuthorityHost", "identityTenantId", "identityId"].map((name) =>
      identity.at(name),
    );
    if (id?.text === "") yield [id, "identityId is empty"];
    if (host?.text && !tenant?.text) yield [host, "identityAuthorityHost needs an identityTenantId"];
  }
  const oauth = root.at("spec", "oauth2");
  if (!oauth.exists) return;
  if (oauth.at("type").text !== "clientCredentials")
    yield [oauth.at("type"), "oauth2.type has to be clientCredentials"];
  if (!oauth.at("clientId").text) yield [oauth.at("clientId"), "oauth2 has no clientId"];
  const url = URL.parse(oauth.at("tokenUrl").text ?? "");
  if (url === null || !/^https?:$/.test(url.protocol)) {
    yield [oauth.at("tokenUrl"), "oauth2.tokenUrl is not an http or https URL"];
  }
}

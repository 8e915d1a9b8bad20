import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A change to deploy/base, as one text. */
type Edit = (text: string) => string;
const replace =
  (from: string | RegExp, to: string): Edit =>
  (text) => {
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`the base has no ${String(from)}`);
    return changed;
  };
const all =
  (...edits: readonly Edit[]): Edit =>
  (text) =>
    edits.reduce((edited, edit) => edit(edited), text);
const add =
  (text: string): Edit =>
  (before) =>
    `${before}---\n${text}`;

const pluginElsewhere = all(
  replace(/(name: serverless-demo-backend\n\s+namespace: )kong-serverless/, "$1gateway-plugins"),
  replace("konghq.com/plugins: serverless", "konghq.com/plugins: gateway-plugins:serverless"),
);
const grant = add(`apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: plugins, namespace: gateway-plugins }
spec:
  from: [{ group: networking.k8s.io, kind: Ingress, namespace: kong-serverless }]
  to: [{ group: configuration.konghq.com, kind: KongPlugin }]
`);
const route = /apiVersion: networking.k8s.io\/v1\nkind: Ingress\n[^]*?(?=---)/;
const httpRoute = (port: number) => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: demo-backend, namespace: kong-serverless }
spec:
  parentRefs: [{ name: kong }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: / } }]
      filters:
        - type: ExtensionRef
          extensionRef: { group: configuration.konghq.com, kind: KongPlugin, name: serverless-demo-backend }
      backendRefs: [{ name: demo-backend, port: ${port} }]
`;
const routeFromElsewhere = httpRoute(80)
  .replace("namespace: kong-serverless", "namespace: routes")
  .replace("{ name: demo-backend, port", "{ name: demo-backend, namespace: kong-serverless, port");
const pluginBesideRoute = replace(
  /(name: serverless-demo-backend\n\s+namespace: )kong-serverless/,
  "$1routes",
);
const queueName = "- name: QUEUE_NAME\n              value: jobs";
const usual = "https://sqs.eu-west-1.amazonaws.com/123456789012";
const american = usual.replace("eu-west", "us-east");
const consumerQueue = (url: string) =>
  replace(queueName, `- name: QUEUE_URL\n              value: ${url}/jobs`);
const besides = (trigger: string) => replace("    # One to many", `    - ${trigger}\n    # One to many`);
const asList: Edit = (text) => {
  const items = text.split(/^---$/m).map((item) => `  -\n${item.trim().replaceAll(/^(?=.)/gm, "    ")}\n`);
  return `apiVersion: v1\nkind: List\nitems:\n${items.join("")}`;
};

/** What people write, as changes to deploy/base; after whose report it is, where there is one. What is right is for each reader to say. */
const edits = {
  "an unquoted number in a trigger (keda#1955)": replace('queueLength: "1000"', "queueLength: 1000"),
  "an unquoted and too large number in an environment": replace(
    /(name: CONCURRENCY\n\s+value: )"2"/,
    "$15000",
  ),
  "a queue's URL in the consumer's own variable (keda#6712)": all(
    consumerQueue(usual),
    replace("queueURL: jobs", "queueURLFromEnv: QUEUE_URL"),
  ),
  "a plugin of another namespace that grants it (KIC#5965)": all(pluginElsewhere, grant),
  "a plugin of another namespace that does not": pluginElsewhere,
  "a plugin through an HTTPRoute's filter (KIC#4838)": replace(route, httpRoute(80)),
  "an HTTPRoute to a port that is not there": replace(route, httpRoute(81)),
  "an HTTPRoute to a Service of another namespace that grants it": all(
    replace(route, routeFromElsewhere),
    pluginBesideRoute,
    add(`apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: services, namespace: kong-serverless }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: routes }]
  to: [{ group: "", kind: Service }]
`),
  ),
  "an HTTPRoute to a Service of another namespace that does not": all(
    replace(route, routeFromElsewhere),
    pluginBesideRoute,
  ),
  "a least count above the most": replace("minReplicaCount: 0", "minReplicaCount: 6"),
  "labels by a merge key (kustomize#4144)": all(
    replace(/(name: demo-backend\n\s+namespace: kong-serverless\n\s+labels:)/, "$1 &labels"),
    replace(
      /(template:\n\s+metadata:\n\s+labels:\n\s+)app.kubernetes.io\/name: demo-backend/,
      "$1<<: *labels",
    ),
  ),
  "an environment through envFrom": all(
    replace(
      /env:\n(\s+- name: OPS_HOST[^]*?)- name: QUEUE_NAME\n\s+value: jobs\n\s+(?=- name)/,
      "envFrom: [{ configMapRef: { name: worker } }]\n          env:\n$1",
    ),
    add(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: worker, namespace: kong-serverless }\ndata: { QUEUE_NAME: jobs }\n",
    ),
  ),
  "a variable made of another one": replace(
    queueName,
    "- name: PREFIX\n              value: jo\n            - name: QUEUE_NAME\n              value: $(PREFIX)bs",
  ),
  "a setting of the ScaledObject in a trigger's metadata (keda-docs#302)": all(
    replace("  cooldownPeriod: 60\n  # A new", "  # A new"),
    replace('queueLength: "1000"', 'queueLength: "1000"\n        cooldownPeriod: "60"'),
  ),
  "queue URLs of another region (keda#6128)": all(
    replace("queueURL: wake-demo-backend", `queueURL: ${american}/wake-demo-backend`),
    consumerQueue(american),
  ),
  "another plugin beside, which a platform may have for the whole cluster": replace(
    "konghq.com/plugins: serverless",
    "konghq.com/plugins: rate-limit, serverless",
  ),
  "two plugins in one annotation": all(
    replace("konghq.com/plugins: serverless", "konghq.com/plugins: rate-limit, serverless"),
    add(`apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: { name: rate-limit, namespace: kong-serverless }
plugin: rate-limiting
config: { minute: 600, policy: local }
`),
  ),
  "the plugin on the Service": all(
    replace(/\s+konghq.com\/plugins: serverless-demo-backend/, ""),
    replace(
      "ingress.kubernetes.io/service-upstream",
      "konghq.com/plugins: serverless-demo-backend\n    ingress.kubernetes.io/service-upstream",
    ),
  ),
  "the plugin on every request, by a label": all(
    replace(/\s+konghq.com\/plugins: serverless-demo-backend/, ""),
    replace(
      /kind: KongPlugin\nmetadata:\n\s+name: serverless-demo-backend\n\s+namespace: kong-serverless\n/,
      'kind: KongClusterPlugin\nmetadata:\n  name: serverless-demo-backend\n  labels: { global: "true" }\n',
    ),
  ),
  "a label for every request, on a plugin of one namespace": all(
    replace(/\s+konghq.com\/plugins: serverless-demo-backend/, ""),
    replace(/kind: KongPlugin\nmetadata:\n/, '$&  labels: { global: "true" }\n'),
  ),
  "a trailing separator with a comment": add("# nothing more\n"),
  "a List, as kubectl get prints one": asList,
  "a paused ScaledObject (keda#6467)": replace(
    /(kind: ScaledObject\nmetadata:\n\s+name: demo-backend\n\s+namespace: kong-serverless\n)/,
    '$1  annotations:\n    autoscaling.keda.sh/paused: "true"\n',
  ),
  "a cpu trigger beside (keda#5357)": all(
    besides('type: cpu\n      metricType: Utilization\n      metadata: { value: "80" }'),
    replace("image: kong-serverless/demo-backend\n", "$&          resources: { requests: { cpu: 100m } }\n"),
  ),
  "a cpu trigger without a request for cpu": besides(
    'type: cpu\n      metricType: Utilization\n      metadata: { value: "80" }',
  ),
  "a port by its name": replace("number: 80", "name: http"),
  "a queue by its whole URL": replace("queueURL: wake-demo-backend", `queueURL: ${usual}/wake-demo-backend`),
  "a custom resource that is scaled": replace(
    /scaleTargetRef:\n\s+name: consumer/,
    "scaleTargetRef:\n    apiVersion: argoproj.io/v1alpha1\n    kind: Rollout\n    name: consumer",
  ),
  "a trigger of another kind beside": besides(
    'type: prometheus\n      metadata: { serverAddress: "http://p", query: up, threshold: "1" }',
  ),
} satisfies Record<string, Edit>;

export type ManifestCase = keyof typeof edits;

export const manifestCases = Object.entries(edits) as [ManifestCase, Edit][];

/** What no reader can take, and what its message has to say. */
export const refusedManifests: readonly [
  what: string,
  edit: (base: string) => string | Buffer,
  message: RegExp,
][] = [
  [
    "an alias to another document's anchor (kustomize#3675)",
    all(
      replace('konghq.com/strip-path: "false"', 'konghq.com/strip-path: &no "false"'),
      replace(/scaleTargetRef:\n\s+name: demo-backend/, "scaleTargetRef:\n    name: *no"),
    ),
    /line \d+[^]*\bno\b/,
  ],
  [
    "a template that is not rendered",
    replace(/(kind: ServiceAccount\nmetadata:\n\s+name: )demo-backend/, '$1{{ include "demo.name" . }}'),
    /line \d+[^]*template/,
  ],
  ["UTF-16, as PowerShell's > writes it", (base) => Buffer.from(`\uFEFF${base}`, "utf16le"), /UTF-16/],
];

/** The manifests of a folder that only lists them, as one text. */
export function readAsOneText(folder: string): string {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml") && file !== "kustomization.yaml")
    .toSorted()
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("---\n");
}

/** A folder in which the kustomization alone says `namespace: team-a`. */
export const oneNamespaceFolder = join(import.meta.dirname, "../fixtures/one-namespace");

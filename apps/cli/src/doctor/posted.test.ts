import { oneNamespaceFolder, readAsOneText } from "@kong-serverless/testing";
import { beforeAll, describe, expect, test } from "vitest";

import { runCli } from "../testing/run-cli.ts";
import type { Diagnosis } from "./diagnosis.ts";

/** A complete service that scales to zero: web, its route and its ScaledObject. */
const web = readAsOneText(oneNamespaceFolder);
const replace = (from: string | RegExp, to: string) => {
  const changed = web.replace(from, to);
  if (changed === web) throw new Error(`web has no ${String(from)}`);
  return changed;
};
const documents = (...texts: readonly string[]) => texts.join("---\n");
const without = (kind: string) => {
  const kept = web.split(/^---\n/m).filter((text) => !new RegExp(`^kind: ${kind}$`, "m").test(text));
  return documents(...kept);
};

const worker = `apiVersion: apps/v1
kind: Deployment
metadata: { name: worker }
spec:
  selector: { matchLabels: { app: worker } }
  template:
    metadata: { labels: { app: worker } }
    spec:
      containers:
        - name: worker
          image: registry.example/worker
          env:
            - { name: QUEUE_URL, value: "https://sqs.eu-central-1.amazonaws.com/111122223333/orders" }
`;
const scaler = (trigger: string, spec = "") => `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: worker }
spec:
  scaleTargetRef: { name: worker }
${spec}  triggers:
${trigger}`;
const login = (entries: string, namespace = "default") => `apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: { name: login, namespace: ${namespace} }
spec:
  secretTargetRef: [${entries}]
`;
const entry = (parameter: string) => `{ parameter: ${parameter}, name: secrets, key: ${parameter} }`;
const sqs = (rest: string) => `    - type: aws-sqs-queue
      metadata:
        queueURL: orders
        awsRegion: eu-central-1
${rest}`;
const byLogin = "      authenticationRef: { name: login }\n";

const component = (type: string, metadata: string, rest = "") => `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: pubsub }
spec:
  type: ${type}
  version: v1
  metadata:
${metadata}${rest}`;

interface Right {
  readonly found?: readonly string[];
  readonly notLookedAt?: readonly RegExp[];
}
const elsewhere = /no Service of namespace kong is among/;

/** Modelled on the samples in the documentation of KEDA's scalers, Kong's ingress controller and Dapr's components. */
const posted: readonly [what: string, text: string, right: Right][] = [
  [
    "KEDA: an SQS trigger with the keys of an IAM user from a Secret",
    documents(
      worker,
      login(["awsAccessKeyID", "awsSecretAccessKey", "awsSessionToken"].map(entry).join(", ")),
      scaler(sqs('        queueLength: "5"\n' + byLogin)),
    ),
    {},
  ],
  [
    "KEDA: an SQS trigger with the identity of KEDA's operator",
    documents(worker, scaler(sqs('        identityOwner: operator\n        scaleOnInFlight: "false"\n'))),
    { notLookedAt: [/messages in flight/] },
  ],
  [
    "KEDA: an SQS trigger whose switch is not quoted",
    documents(worker, scaler(sqs("        identityOwner: operator\n        scaleOnInFlight: false\n"))),
    { found: ["FIELD_TYPE_WRONG"], notLookedAt: [/messages in flight/] },
  ],
  [
    "KEDA: an SQS trigger with the pod's identity and no login",
    documents(worker, scaler(sqs("        identityOwner: pod\n"))),
    { found: ["AUTHENTICATION_MISSING"] },
  ],
  [
    "KEDA: an SQS trigger's URL with the placeholder of the page",
    documents(
      worker,
      scaler(
        `    - type: aws-sqs-queue
      metadata:
        queueURL: https://sqs.eu-west-1.amazonaws.com/account_id/QueueName
        awsRegion: eu-west-1
        identityOwner: operator
`,
      ),
    ),
    {},
  ],
  [
    "KEDA: a ScaledObject alone, whose target and login are applied elsewhere",
    scaler(sqs(byLogin)),
    { notLookedAt: [/TriggerAuthentication login/, /Deployment default\/worker/] },
  ],
  [
    "KEDA: a metrics-api trigger on an interface of one's own",
    documents(
      worker,
      scaler(
        `    - type: metrics-api
      metadata: { targetValue: "7", url: "http://api:3232/components/stats", valueLocation: components.worker.tasks }
`,
      ),
    ),
    {},
  ],
  [
    "KEDA: a metrics-api trigger whose login is in another namespace",
    documents(
      worker,
      login(entry("apiKey"), "keda"),
      scaler(
        `    - type: metrics-api
      metadata:
        targetValue: "7"
        url: http://api:3232/components/stats
        valueLocation: components.worker.tasks
        authMode: apiKey
        method: query
        keyParamName: QUERY_KEY
${byLogin}`,
      ),
    ),
    { found: ["AUTHENTICATION_NOT_FOUND"] },
  ],
  [
    "KEDA: a rabbitmq trigger over AMQP, whose address is a login",
    documents(
      worker,
      login(entry("host")),
      scaler(
        `    - type: rabbitmq
      metadata: { protocol: amqp, queueName: orders, mode: QueueLength, value: "20" }
${byLogin}`,
      ),
    ),
    {},
  ],
  [
    "KEDA: a rabbitmq trigger over HTTP, whose address is the worker's",
    documents(
      `${worker}            - { name: RABBITMQ_HOST, valueFrom: { secretKeyRef: { name: broker, key: host } } }\n`,
      scaler(
        `    - type: rabbitmq
      metadata:
        protocol: http
        queueName: orders
        mode: MessageRate
        value: "100.50"
        activationValue: "10.5"
        hostFromEnv: RABBITMQ_HOST
        vhostName: /
        useRegex: "true"
        operation: max
        timeout: "1000"
`,
      ),
    ),
    { notLookedAt: [/RABBITMQ_HOST.*Secret broker/] },
  ],
  [
    "KEDA: a rabbitmq trigger over AMQP with a mode that needs HTTP",
    documents(
      worker,
      login(entry("host")),
      scaler(
        `    - type: rabbitmq
      metadata: { protocol: amqp, queueName: orders, mode: MessageRate, value: "20" }
${byLogin}`,
      ),
    ),
    { found: ["TRIGGER_INVALID"] },
  ],
  [
    "KEDA: a push trigger with settings of its scaler",
    documents(
      worker,
      scaler(
        `    - type: external-push
      metadata: { scalerAddress: "external-scaler:8080", unsafeSsl: "false", longitude: "9.1", serverAddress: x }
`,
      ),
    ),
    {},
  ],
  [
    "KEDA: a push trigger whose scaler has no address",
    documents(
      worker,
      scaler('    - type: external-push\n      metadata: { scaleraddress: "external-scaler:8080" }\n'),
    ),
    { found: ["TRIGGER_INVALID"] },
  ],
  [
    "KEDA: an idle count and a fallback, as the page of ScaledObjects has them all",
    documents(
      worker,
      scaler(
        sqs("        identityOwner: operator\n"),
        "  pollingInterval: 30\n  cooldownPeriod: 300\n  idleReplicaCount: 0\n  minReplicaCount: 1\n  maxReplicaCount: 100\n  fallback: { failureThreshold: 3, replicas: 6, behavior: static }\n",
      ),
    ),
    {},
  ],
  [
    "KEDA: a ScaledJob on a queue",
    `apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: { name: orders }
spec:
  jobTargetRef:
    template:
      spec:
        restartPolicy: Never
        containers: [{ name: job, image: registry.example/job }]
  maxReplicaCount: 10
  triggers:
${sqs("        identityOwner: operator\n")}`,
    { notLookedAt: [/ScaledJob/] },
  ],
  [
    "Kong: the plugin on a Service, of an Ingress with several paths and hosts",
    documents(
      replace(
        /    konghq.com\/plugins: serverless-web\nspec:[^]*?rules:\n/,
        `    konghq.com/strip-path: "true"
spec:
  ingressClassName: kong
  tls: [{ hosts: [shop.example], secretName: shop }]
  rules:
    - host: shop.example
      http:
        paths:
          - { path: /cart, pathType: Prefix, backend: { service: { name: web, port: { name: http } } } }
          - { path: /pay, pathType: Exact, backend: { service: { name: web, port: { number: 80 } } } }
`,
      ).replace("    ingress.kubernetes.io/service-upstream", "    konghq.com/plugins: serverless-web\n$&"),
    ),
    { notLookedAt: [elsewhere] },
  ],
  [
    "Kong: the plugin for the whole cluster, for every request",
    replace(
      "kind: KongPlugin\nmetadata:\n  name: serverless-web\n",
      'kind: KongClusterPlugin\nmetadata:\n  name: serverless-web\n  annotations: { kubernetes.io/ingress.class: kong }\n  labels: { global: "true" }\n',
    ).replace("    konghq.com/plugins: serverless-web\n", '    konghq.com/strip-path: "true"\n'),
    { notLookedAt: [elsewhere] },
  ],
  [
    "Kong: the plugin for the whole cluster, named by a route beside other plugins",
    replace(
      "kind: KongPlugin\nmetadata:\n  name: serverless-web\n",
      "kind: KongClusterPlugin\nmetadata:\n  name: serverless-web\n  annotations: { kubernetes.io/ingress.class: kong }\n",
    ).replace("plugins: serverless-web", "plugins: key-auth, serverless-web"),
    { notLookedAt: [elsewhere, /the plugin key-auth/] },
  ],
  [
    "Kong: a route that names the plugin as it is called in Kong",
    replace("plugins: serverless-web", "plugins: serverless"),
    { found: ["PLUGIN_NOT_FOUND", "PLUGIN_UNUSED"], notLookedAt: [elsewhere] },
  ],
  [
    "Gateway API: a Gateway and an HTTPRoute whose rules divide what comes",
    documents(
      without("Ingress"),
      `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: kong }
spec:
  gatewayClassName: kong
  listeners: [{ name: http, port: 80, protocol: HTTP }]
`,
      `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web }
spec:
  parentRefs: [{ name: kong }]
  hostnames: [shop.example]
  rules:
    - matches:
        - path: { type: PathPrefix, value: /cart }
        - path: { type: Exact, value: /pay }
          method: POST
      filters:
        - type: ExtensionRef
          extensionRef: { group: configuration.konghq.com, kind: KongPlugin, name: serverless-web }
        - type: RequestHeaderModifier
          requestHeaderModifier: { set: [{ name: x-shop, value: "1" }] }
      backendRefs: [{ name: web, port: 80 }]
    - matches: [{ path: { type: PathPrefix, value: /old } }]
      filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplaceFullPath, replaceFullPath: / } } }]
`,
    ),
    { notLookedAt: [elsewhere] },
  ],
  [
    "Gateway API: an HTTPRoute by the annotation, to a port of the pods",
    documents(
      without("Ingress"),
      `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
  annotations: { konghq.com/plugins: serverless-web }
spec:
  parentRefs: [{ name: kong, namespace: kong }]
  rules: [{ backendRefs: [{ name: web, port: 8080 }] }]
`,
    ),
    { found: ["SERVICE_NOT_FOUND"], notLookedAt: [elsewhere] },
  ],
  [
    "Dapr: a component on SNS and SQS with keys from a secret store",
    documents(
      web,
      component(
        "pubsub.aws.snssqs",
        `    - { name: region, value: eu-central-1 }
    - { name: accessKey, secretKeyRef: { name: aws, key: accessKey } }
    - { name: secretKey, secretKeyRef: { name: aws, key: secretKey } }
    - { name: fifo, value: "false" }
    - { name: messageVisibilityTimeout, value: 10 }
`,
        "auth: { secretStore: kubernetes }\nscopes: [web]\n",
      ),
    ),
    { notLookedAt: [elsewhere, /scopes/] },
  ],
  [
    "Dapr: a component on RabbitMQ with everything that its page lists, and a subscription",
    documents(
      web,
      component(
        "pubsub.rabbitmq",
        `    - { name: connectionString, value: "amqp://rabbitmq:5672" }
    - { name: durable, value: "true" }
    - { name: deletedWhenUnused, value: "false" }
    - { name: autoAck, value: "false" }
    - { name: deliveryMode, value: 2 }
    - { name: concurrency, value: parallel }
    - { name: exchangeKind, value: fanout }
`,
      ),
      `apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata: { name: orders }
spec: { topic: orders, routes: { default: /orders }, pubsubname: pubsub }
scopes: [web]
`,
    ),
    { notLookedAt: [elsewhere, /no definitions file/] },
  ],
  [
    "Dapr: a component alone",
    component("pubsub.redis", "    - { name: redisHost, value: redis:6379 }\n"),
    { found: ["NOTHING_FOUND"] },
  ],
];

// The command is loaded when it is first used.
beforeAll(() => import("./doctor-command.ts"));

describe("doctor, on manifests after public samples", () => {
  test.each(posted)("gives the right answer to %s", async (_, text, { found = [], notLookedAt = [] }) => {
    const { code, stdout } = await runCli(["doctor", "--file", "-", "--json"], { input: text });
    const { findings, skipped } = JSON.parse(stdout) as Diagnosis;
    expect([...new Set(findings.map((finding) => finding.code))].toSorted()).toEqual([...found].toSorted());
    expect(skipped).toEqual(notLookedAt.map((reason) => expect.stringMatching(reason)));
    expect(code).toBe(found.length === 0 ? 0 : 1);
  });
});

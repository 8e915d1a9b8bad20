import type { AdoptedService } from "./adopted-service.ts";
import type { FileToWrite } from "./write-folder.ts";

export const brokers = ["sqs", "rabbitmq", "none"] as const;
export type BrokerName = (typeof brokers)[number];

/** What init was given or asked for, in addition to the service itself. */
export interface ServiceChoices {
  readonly broker: BrokerName;
  /** Of SNS and SQS. */
  readonly region: string;
  /** Where the gateway runs. */
  readonly gatewayNamespace: string;
  /** `dapr.io/app-id` of the gateway's pods. */
  readonly gatewayAppId: string;
  /** The route that leads to the service: an Ingress, or an HTTPRoute of this Gateway (`namespace/name`). */
  readonly route: { readonly kind: "Ingress" } | { readonly kind: "HTTPRoute"; readonly gateway: string };
  /** Undefined: every host. */
  readonly host: string | undefined;
  readonly path: string;
  readonly maxReplicas: number;
  /** Requests, held or in flight, for each replica. */
  readonly requestsPerReplica: number;
}

const pubsubName = "kong-serverless-pubsub";

/** The kustomize folder that scales a service to zero. */
export function serviceFolder(service: AdoptedService, choices: ServiceChoices): FileToWrite[] {
  const { broker } = choices;
  const resources = [
    "plugin.yaml",
    ...(service.routes.length > 0 ? [] : ["route.yaml"]),
    "scaledobject.yaml",
    "gateway-demand.yaml",
    ...(broker === "none" ? [] : ["pubsub.yaml", "authentication.yaml"]),
    ...(service.isShutOff ? ["network-policy.yaml"] : []),
  ];
  const files: Record<string, string | undefined> = {
    "kustomization.yaml": kustomization(service, resources),
    "plugin.yaml": plugin(service, choices),
    "route.yaml": service.routes.length > 0 ? undefined : route(service, choices),
    "scaledobject.yaml": scaledObject(service, choices),
    "gateway-demand.yaml": gatewayDemand(choices),
    "pubsub.yaml": pubsub(choices),
    "authentication.yaml": authentication(service, choices),
    "network-policy.yaml": networkPolicy(service, choices),
    "workload/kustomization.yaml": workloadPatches(service),
  };
  return Object.entries(files).flatMap(([path, text]) => (text === undefined ? [] : [{ path, text }]));
}

function kustomization({ name, isShutOff }: AdoptedService, resources: readonly string[]): string {
  const note = isShutOff
    ? "# A NetworkPolicy keeps the gateway out of this namespace's pods: network-policy.yaml lets it in."
    : `# network-policy.yaml is left out: no NetworkPolicy is about these pods, and the first one shuts out everybody that it does
# not name. List it below once one is.`;
  return `# Scales ${name} to zero when idle. Apply it after the workload itself: kubectl apply -k .
# workload/ holds what has to change in the Deployment, the Service and their route; see there.
${note}
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
${resources.map((resource) => `  - ${resource}`).join("\n")}
`;
}

function plugin(
  { name, namespace, health }: AdoptedService,
  { broker, requestsPerReplica }: ServiceChoices,
): string {
  const wake =
    broker === "none"
      ? ""
      : `
      # Where a wake message goes while a request is held. Nobody consumes it: it expires, and KEDA looks at the queue's length.
      pubsub: ${pubsubName}
      topic: wake-${name}`;
  return `# Tells Kong to hold a request while the backend sleeps. docs/configuration.md has every setting.
apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata:
  name: serverless-${name}
  namespace: ${namespace}
plugin: serverless
config:
  # How long a request is held at most, in milliseconds; then the client gets 503 with Retry-After.
  holdTimeoutMs: 60000
  # Held requests that go on at once when the backend has started; the others follow as those end. The ScaledObject's targetValue.
  releaseConcurrency: ${requestsPerReplica}
  backend:
    - name: ${name}
      # Asked every 20 ms while requests are held; the first success releases them. Below the path that the route strips, if it does.
      health: ${quoted(health)}${wake}
`;
}

function route(service: AdoptedService, choices: ServiceChoices): string {
  const { name, namespace, port } = service;
  const { host, path } = choices;
  if (choices.route.kind === "HTTPRoute") {
    const [gatewayNamespace, gatewayName] = choices.route.gateway.split("/", 2);
    return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: ${name}
  namespace: ${namespace}
  annotations:
    konghq.com/plugins: serverless-${name}
    konghq.com/strip-path: "false"
spec:
  parentRefs:
    - name: ${gatewayName}
      namespace: ${gatewayNamespace}
${host === undefined ? "" : `  hostnames:\n    - ${quoted(host)}\n`}  rules:
    - matches:
        - path:
            type: PathPrefix
            value: ${quoted(path)}
      backendRefs:
        - name: ${service.service}
          port: ${port}
`;
  }
  return `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ${name}
  namespace: ${namespace}
  annotations:
    konghq.com/plugins: serverless-${name}
    konghq.com/strip-path: "false"
spec:
  ingressClassName: kong
  rules:
    - ${host === undefined ? "" : `host: ${quoted(host)}\n      `}http:
        paths:
          - path: ${quoted(path)}
            pathType: Prefix
            backend:
              service:
                name: ${service.service}
                port:
                  number: ${port}
`;
}

function scaledObject(service: AdoptedService, choices: ServiceChoices): string {
  const { name, namespace, workload } = service;
  const { gatewayNamespace, maxReplicas, requestsPerReplica } = choices;
  return `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  scaleTargetRef:
    apiVersion: ${workload.apiVersion}
    kind: ${workload.kind}
    name: ${workload.name}
  # Seconds between two looks at the triggers; KEDA's least. It is most of the time that waking takes.
  pollingInterval: 1
  # Seconds without an active trigger before zero.
  cooldownPeriod: 60
  initialCooldownPeriod: 0
  minReplicaCount: 0
  maxReplicaCount: ${maxReplicas}
  advanced:
    # Deleting this object gives the workload back the replicas that it had before; without it, one that sleeps would stay at zero.
    restoreToOriginalReplicaCount: true
    horizontalPodAutoscalerConfig:
      behavior:
        scaleDown:
          stabilizationWindowSeconds: 60
  triggers:
${wakeTrigger(service, choices)}    # One to many${choices.broker === "none" ? ", and zero to one" : ""}: requests held or in flight, added up over the gateway's pods.
    - type: metrics-api
      name: demand
      metadata:
        url: http://kong-serverless-demand.${gatewayNamespace}.svc:8090/demand/${name}
        valueLocation: demand
        # Requests for each replica. Set it to what one replica serves well at the same time.
        targetValue: "${requestsPerReplica}"
        activationTargetValue: "0"
        aggregateFromKubeServiceEndpoints: "true"
        aggregationType: sum
        timeout: 1s
`;
}

function wakeTrigger({ name }: AdoptedService, { broker, region }: ServiceChoices): string {
  const why =
    "    # Zero or not: the queue holds a wake message for as long as somebody wanted the backend lately.\n";
  switch (broker) {
    case "none":
      return "";
    case "sqs":
      return `${why}    - type: aws-sqs-queue
      name: wake
      metadata:
        queueURL: wake-${name}
        awsRegion: ${region}
        # So high that the queue's length never asks for a second replica.
        queueLength: "1000"
        activationQueueLength: "0"
      authenticationRef:
        name: ${name}-wake
`;
    case "rabbitmq":
      return `${why}    - type: rabbitmq
      name: wake
      metadata:
        protocol: amqp
        queueName: wake-${name}
        mode: QueueLength
        # So high that the queue's length never asks for a second replica.
        value: "1000"
        activationValue: "0"
      authenticationRef:
        name: ${name}-wake
`;
  }
}

function gatewayDemand({ gatewayNamespace }: ServiceChoices): string {
  return `# KEDA's way to the plugin server of every gateway pod. One serves every backend: it is the same wherever init writes it.
apiVersion: v1
kind: Service
metadata:
  name: kong-serverless-demand
  namespace: ${gatewayNamespace}
spec:
  selector:
    kong-serverless/gateway: "true"
  ports:
    - name: demand
      port: 8090
      targetPort: 8090
`;
}

function pubsub({ broker, region, gatewayNamespace, gatewayAppId }: ServiceChoices): string | undefined {
  if (broker === "none") return undefined;
  const head = `# What the gateway's sidecar publishes wake messages through. One serves every backend: leave this file out where the gateway
# has a Component of this name already.
`;
  const metadata =
    broker === "sqs"
      ? `    - name: region
      value: ${region}
`
      : `    - name: connectionString
      secretKeyRef:
        name: rabbitmq-connection
        key: url
    # Dapr's default is "true", and RabbitMQ refuses a publisher that declares an exchange otherwise than it is.
    - name: deletedWhenUnused
      value: "false"
    - name: durable
      value: "true"
    - name: publisherConfirm
      value: "true"
`;
  return `${head}apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: ${pubsubName}
  namespace: ${gatewayNamespace}
spec:
  type: ${broker === "sqs" ? "pubsub.aws.snssqs" : "pubsub.rabbitmq"}
  version: v1
  metadata:
${metadata}# The gateway's dapr.io/app-id.
scopes:
  - ${gatewayAppId}
`;
}

function authentication({ name, namespace }: AdoptedService, { broker }: ServiceChoices): string | undefined {
  const head = `apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  name: ${name}-wake
  namespace: ${namespace}
spec:
`;
  switch (broker) {
    case "none":
      return undefined;
    case "sqs":
      return `# KEDA reads the queue's length with its operator's own identity, which needs sqs:GetQueueAttributes on it.
${head}  podIdentity:
    provider: aws
`;
    case "rabbitmq":
      return `# The Secret rabbitmq-connection has the broker's address, amqp://user:password@host:5672, as \`url\`: here for KEDA, and in the
# gateway's namespace for its sidecar. The queue is made by you, with the messages' lifetime on the queue itself: a durable queue
# wake-${name} with x-message-ttl 60000, bound to a durable fanout exchange of the same name.
${head}  secretTargetRef:
    - parameter: host
      name: rabbitmq-connection
      key: url
`;
  }
}

function networkPolicy(
  { name, namespace, podLabels, podPort }: AdoptedService,
  { gatewayNamespace }: ServiceChoices,
): string {
  const labels = Object.entries(podLabels).map(([key, value]) => `      ${key}: ${quoted(value)}`);
  return `# Requests, and the readiness probes that end a hold, come from the gateway's pods.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: gateway-to-${name}
  namespace: ${namespace}
spec:
  podSelector:
    matchLabels:
${labels.join("\n")}
  policyTypes:
    - Ingress
  ingress:
    - from:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: ${gatewayNamespace}
          podSelector:
            matchLabels:
              kong-serverless/gateway: "true"
      ports:
        - protocol: TCP
          port: ${podPort}
`;
}

function workloadPatches(adopted: AdoptedService): string {
  const { name, workload: target, service, routes } = adopted;
  const routePatches = routes.map(
    (
      existing,
    ) => `  # Runs the plugin on the route that there is. Where it has the annotation already, add the name to it, after a comma.
  - target:
      kind: ${existing.kind}
      name: ${existing.name}
    patch: |
      apiVersion: ${existing.kind === "Ingress" ? "networking.k8s.io/v1" : "gateway.networking.k8s.io/v1"}
      kind: ${existing.kind}
      metadata:
        name: ${existing.name}
        annotations:
          konghq.com/plugins: serverless-${name}
`,
  );
  return `# What has to change in manifests that are yours. Where kustomize builds them, add this folder under \`components\` of the
# kustomization that lists them; elsewhere make the same changes by hand.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  # The replica count is KEDA's: with \`replicas\` in the manifest, each apply would fight it.
  - target:
      kind: ${target.kind}
      name: ${target.name}
    patch: |
      apiVersion: ${target.apiVersion}
      kind: ${target.kind}
      metadata:
        name: ${target.name}
      spec:
        replicas: null${containerPatch(adopted)}
  # Kong sends to the Service itself: a pod that has just become ready is then reached without waiting for Kong's controller.
  - target:
      kind: Service
      name: ${service}
    patch: |
      apiVersion: v1
      kind: Service
      metadata:
        name: ${service}
        annotations:
          ingress.kubernetes.io/service-upstream: "true"
${routePatches.join("")}`;
}

function containerPatch({ container, lacksPreStop, isProbedSlowly }: AdoptedService): string {
  if (!lacksPreStop && !isProbedSlowly) return "";
  const probe = `
              # The kubelet's least: it is part of every cold start.
              readinessProbe:
                periodSeconds: 1`;
  const preStop = `
              # A request that arrives in the second in which KEDA scales to zero is still served.
              lifecycle:
                preStop:
                  sleep:
                    seconds: 5`;
  return `
        template:
          spec:
            containers:
            - name: ${container}${isProbedSlowly ? probe : ""}${lacksPreStop ? preStop : ""}`;
}

/** Any text as a YAML string: JSON is YAML. */
function quoted(text: string): string {
  return /^[a-z/][a-z0-9/._-]*$/i.test(text) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);
}

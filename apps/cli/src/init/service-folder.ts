import type { AdoptedService } from "./adopted-service.ts";
import type { FileToWrite } from "./write-folder.ts";

export const brokers = ["sqs", "rabbitmq", "none"] as const;
export type BrokerName = (typeof brokers)[number];

/** What the user chose, in addition to the service itself. */
export interface ServiceChoices {
  readonly broker: BrokerName;
  /** The region of SNS and SQS. */
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
    ? "# A NetworkPolicy keeps the gateway away from these pods: network-policy.yaml lets it in."
    : `# network-policy.yaml is left out: no NetworkPolicy selects these pods, and the first one would block everything
# that it does not allow. List it below once there is one.`;
  return `# Scales ${name} to zero when idle. Apply it after the workload itself: kubectl apply -k .
# workload/ has patches for the Deployment, the Service and their route.
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
      # Wake messages go here while a request is held. Nobody consumes them: they expire, and KEDA watches the
      # queue's length.
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
  # The longest that a request is held, in milliseconds; then the client gets a 503 with Retry-After.
  holdTimeoutMs: 60000
  # How many held requests a backend gets at once when it has started; more follow as those end. The same as the
  # ScaledObject's targetValue.
  releaseConcurrency: ${requestsPerReplica}
  backend:
    - name: ${name}
      # Probed every 20 ms while requests are held; the first success releases them. A path that the route strips is
      # not part of it.
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
  # Seconds between polls, KEDA's minimum. Polling is most of the time that waking takes.
  pollingInterval: 1
  # Seconds without an active trigger before scaling to zero.
  cooldownPeriod: 60
  initialCooldownPeriod: 0
  minReplicaCount: 0
  maxReplicaCount: ${maxReplicas}
  advanced:
    # Restores the workload's replicas when this object is deleted; a sleeping one would stay at zero otherwise.
    restoreToOriginalReplicaCount: true
    horizontalPodAutoscalerConfig:
      behavior:
        scaleDown:
          stabilizationWindowSeconds: 60
  triggers:
${wakeTrigger(service, choices)}    # One to many${choices.broker === "none" ? ", and zero to one" : ""}: requests held or in flight, summed over the gateway's pods.
    - type: metrics-api
      name: demand
      metadata:
        url: http://kong-serverless-demand.${gatewayNamespace}.svc:8090/demand/${name}
        valueLocation: demand
        # Requests per replica. Set it to what one replica serves well at the same time.
        targetValue: "${requestsPerReplica}"
        activationTargetValue: "0"
        aggregateFromKubeServiceEndpoints: "true"
        aggregationType: sum
        timeout: 1s
`;
}

function wakeTrigger({ name }: AdoptedService, { broker, region }: ServiceChoices): string {
  const why = "    # Zero to one: the queue holds a wake message while the backend was wanted recently.\n";
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
  return `# Lets KEDA reach the plugin server of every gateway pod. One is enough for all backends: init always writes
# the same.
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
  const head = `# The gateway's sidecar publishes wake messages through this. One is enough for all backends: leave this file out
# if the gateway already has a Component of this name.
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
    # Dapr's default is "true", and RabbitMQ refuses a publisher whose declaration differs from the existing exchange.
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
      return `# The Secret rabbitmq-connection has the broker's address, amqp://user:password@host:5672, as \`url\`: in this
# namespace for KEDA, and in the gateway's for its sidecar. Create the queue yourself, with the messages' lifetime on
# it: a durable queue wake-${name} with x-message-ttl 60000, bound to a durable fanout exchange of the same name.
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
  return `# Requests and the readiness probes that end a hold come from the gateway's pods.
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
    ) => `  # Runs the plugin on the existing route. If that already has the annotation, append the name after a comma.
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
  return `# What has to change in your own manifests. If kustomize builds them, add this folder under \`components\` of the
# kustomization that lists them; otherwise make the same changes by hand.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  # KEDA sets the replicas: with \`replicas\` in the manifest, every apply would reset them.
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
  # Kong sends requests to the Service itself, so that a new pod is reached without waiting for Kong's controller.
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
              # The kubelet's minimum, which is part of every cold start.
              readinessProbe:
                periodSeconds: 1`;
  const preStop = `
              # A request that arrives just as KEDA scales to zero is still served.
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

import { z } from "zod";

/*
 * The Kubernetes kinds that the playground plays, with exactly the fields that it honours. They strip what they do not know:
 * what is missing after parsing is what the playground tells that it leaves out (not-honoured.ts).
 */

const names = z.record(z.string(), z.string());
/** A field that means nothing to processes of one user on one machine: read, dropped, and not reported as left out. */
const withoutPart = z.unknown().transform(() => undefined);
const metadata = z.object({
  name: z.string().min(1),
  namespace: z.string().default("default"),
  labels: names.default({}),
  annotations: names.default({}),
});
const kind = <Version extends string, Kind extends string>(apiVersion: Version, name: Kind) => ({
  apiVersion: z.literal(apiVersion),
  kind: z.literal(name),
  metadata,
});
/** A port by number, or by the name that a container or Service gives it. */
const portReference = z.union([z.int().min(1).max(65_535), z.string().min(1)]);
const wholeNumberText = z.string().regex(/^\d+$/, "allowed: a whole number, as text");
const switchText = z.enum(["true", "false"]);

const environmentVariable = z.object({
  name: z.string().min(1),
  value: z.string().optional(),
  valueFrom: z
    .object({
      fieldRef: z
        .object({ fieldPath: z.enum(["status.podIP", "metadata.name", "metadata.namespace"]) })
        .optional(),
      configMapKeyRef: z
        .object({ name: z.string(), key: z.string(), optional: z.boolean().default(false) })
        .optional(),
    })
    .optional(),
});

const container = z.object({
  name: z.string(),
  image: z.string(),
  ports: z.array(z.object({ name: z.string().optional(), containerPort: z.int() })).default([]),
  env: z.array(environmentVariable).default([]),
  readinessProbe: z
    .object({
      httpGet: z.object({ path: z.string().default("/"), port: portReference }),
      initialDelaySeconds: z.number().default(0),
      periodSeconds: z.number().min(1).default(10),
      timeoutSeconds: z.number().min(1).default(1),
      failureThreshold: z.int().min(1).default(3),
    })
    .optional(),
  lifecycle: z
    .object({ preStop: z.object({ sleep: z.object({ seconds: z.int().min(0) }) }).optional() })
    .optional(),
  // A process that ends is started again; one that hangs is for its user to see.
  livenessProbe: withoutPart.optional(),
  securityContext: withoutPart.optional(),
  resources: withoutPart.optional(),
});

const deployment = z.object({
  ...kind("apps/v1", "Deployment"),
  spec: z.object({
    selector: z.object({ matchLabels: names }),
    template: z.object({
      metadata: z.object({ labels: names, annotations: names.default({}) }),
      spec: z.object({
        serviceAccountName: withoutPart.optional(),
        automountServiceAccountToken: withoutPart.optional(),
        securityContext: withoutPart.optional(),
        terminationGracePeriodSeconds: z.number().default(30),
        containers: z
          .array(container)
          .length(1, "allowed: one container, as the playground runs one process a pod"),
      }),
    }),
  }),
});

const service = z.object({
  ...kind("v1", "Service"),
  spec: z.object({
    selector: names,
    // DNS for pods, of which the gateway has one here.
    clusterIP: withoutPart.optional(),
    publishNotReadyAddresses: withoutPart.optional(),
    ports: z
      .array(z.object({ name: z.string().optional(), port: z.int(), targetPort: portReference.optional() }))
      .min(1),
  }),
});

const configMap = z.object({ ...kind("v1", "ConfigMap"), data: names.default({}) });

const ingress = z.object({
  ...kind("networking.k8s.io/v1", "Ingress"),
  spec: z.object({
    ingressClassName: z.string().optional(),
    rules: z.array(
      z.object({
        host: z.string().optional(),
        http: z.object({
          paths: z.array(
            z.object({
              path: z.string().startsWith("/").default("/"),
              pathType: z.enum(["Prefix", "Exact"]),
              backend: z.object({
                service: z.object({ name: z.string(), port: z.object({ number: z.int() }) }),
              }),
            }),
          ),
        }),
      }),
    ),
  }),
});

/** `config` is checked by the plugin's own schema. */
const kongPlugin = z.object({
  ...kind("configuration.konghq.com/v1", "KongPlugin"),
  plugin: z.literal("serverless"),
  config: z.record(z.string(), z.unknown()),
});

const triggerBase = {
  name: z.string().optional(),
  authenticationRef: z.object({ name: z.string() }).optional(),
};

/** https://keda.sh/docs/latest/scalers/aws-sqs/ */
const awsSqsTrigger = z.object({
  ...triggerBase,
  type: z.literal("aws-sqs-queue"),
  metadata: z.object({
    queueURL: z.string().min(1),
    awsRegion: z.string(),
    queueLength: wholeNumberText.default("5"),
    activationQueueLength: wholeNumberText.default("0"),
    scaleOnInFlight: switchText.default("true"),
    scaleOnDelayed: switchText.default("false"),
  }),
});

/** https://keda.sh/docs/latest/scalers/metrics-api/ */
const metricsApiTrigger = z.object({
  ...triggerBase,
  type: z.literal("metrics-api"),
  metadata: z.object({
    url: z.url(),
    valueLocation: z.string().min(1),
    targetValue: wholeNumberText,
    activationTargetValue: wholeNumberText.default("0"),
    aggregateFromKubeServiceEndpoints: switchText.default("false"),
    // One gateway pod: whatever the way of adding up, the sum is its figure.
    aggregationType: z.enum(["average", "sum", "max", "min"]).default("average"),
  }),
});

/** https://keda.sh/docs/latest/scalers/external-push/ What KEDA does not know is the scaler's. */
const externalPushTrigger = z.object({
  ...triggerBase,
  type: z.literal("external-push"),
  metadata: z
    .object({ scalerAddress: z.string().min(1), backend: z.string().optional() })
    .catchall(z.string()),
});

const scaledObject = z.object({
  ...kind("keda.sh/v1alpha1", "ScaledObject"),
  spec: z.object({
    scaleTargetRef: z.object({ name: z.string() }),
    // Whole seconds, at least 1 since KEDA 2.20.
    pollingInterval: z.int().min(1).default(30),
    cooldownPeriod: z.int().min(0).default(300),
    initialCooldownPeriod: z.int().min(0).default(0),
    minReplicaCount: z.int().min(0).default(0),
    maxReplicaCount: z.int().min(1).default(100),
    // The playground's triggers can be read as long as it runs.
    fallback: withoutPart.optional(),
    advanced: z
      .object({
        horizontalPodAutoscalerConfig: z
          .object({
            behavior: z
              .object({
                scaleDown: z.object({ stabilizationWindowSeconds: z.int().min(0).default(300) }).optional(),
              })
              .optional(),
          })
          .optional(),
      })
      .optional(),
    triggers: z
      .array(z.discriminatedUnion("type", [awsSqsTrigger, metricsApiTrigger, externalPushTrigger]))
      .min(1),
  }),
});

const component = z.object({
  ...kind("dapr.io/v1alpha1", "Component"),
  spec: z.object({
    type: z.enum(["pubsub.aws.snssqs", "pubsub.snssqs"]),
    version: z.string(),
    metadata: z.array(z.object({ name: z.string(), value: z.string() })),
  }),
  // One sidecar plays those of all pods.
  scopes: withoutPart.optional(),
});

/** The kinds above by name; the rest of a manifest has no part in the playground. */
export const kinds = {
  Deployment: deployment,
  Service: service,
  ConfigMap: configMap,
  Ingress: ingress,
  KongPlugin: kongPlugin,
  ScaledObject: scaledObject,
  Component: component,
} as const;

export type Deployment = z.output<typeof deployment>;
export type Service = z.output<typeof service>;
export type Ingress = z.output<typeof ingress>;
export type KongPlugin = z.output<typeof kongPlugin>;
export type ScaledObject = z.output<typeof scaledObject>;
export type ScaledObjectTrigger = ScaledObject["spec"]["triggers"][number];
export type Component = z.output<typeof component>;

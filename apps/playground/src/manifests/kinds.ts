import { kedaDefaults } from "@kong-serverless/manifests";
import { z } from "zod";

/*
 * The Kubernetes kinds that the playground plays, with exactly the fields that it honours. Parsing strips all others,
 * which are then reported as not played (not-played.ts).
 */

const names = z.record(z.string(), z.string());
/** A field without meaning for processes of one user on one machine: dropped, and not reported as not played. */
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
        .object({
          fieldPath: z.enum(["status.podIP", "metadata.name", "metadata.namespace"]),
          apiVersion: withoutPart.optional(),
        })
        .optional(),
      // Filled in by cluster.ts.
      configMapKeyRef: withoutPart.optional(),
      secretKeyRef: withoutPart.optional(),
    })
    .optional(),
});

const container = z.object({
  name: z.string(),
  image: z.string().default(""),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  imagePullPolicy: withoutPart.optional(),
  terminationMessagePath: withoutPart.optional(),
  terminationMessagePolicy: withoutPart.optional(),
  // Read with the ConfigMaps and Secrets that it names (cluster.ts).
  envFrom: withoutPart.optional(),
  ports: z
    .array(
      z.object({
        name: z.string().optional(),
        containerPort: z.int(),
        protocol: z.literal("TCP").optional(),
      }),
    )
    .default([]),
  env: z.array(environmentVariable).default([]),
  readinessProbe: z
    .object({
      httpGet: z
        .object({ path: z.string().default("/"), port: portReference, scheme: z.literal("HTTP").optional() })
        .optional(),
      tcpSocket: z.object({ port: portReference }).optional(),
      exec: z.object({ command: z.array(z.string()).min(1) }).optional(),
      successThreshold: z.literal(1).optional(),
      initialDelaySeconds: z.number().default(0),
      periodSeconds: z.number().min(1).default(10),
      timeoutSeconds: z.number().min(1).default(1),
      failureThreshold: z.int().min(1).default(3),
    })
    .optional(),
  lifecycle: z
    .object({ preStop: z.object({ sleep: z.object({ seconds: z.int().min(0) }).optional() }).optional() })
    .optional(),
  // A process that exits is restarted; one that hangs is left for its user to notice.
  livenessProbe: withoutPart.optional(),
  securityContext: withoutPart.optional(),
  resources: withoutPart.optional(),
});

const workload = <Kind extends string>(name: Kind) =>
  z.object({
    ...kind("apps/v1", name),
    spec: z.object({
      selector: z.object({ matchLabels: names.default({}) }),
      revisionHistoryLimit: withoutPart.optional(),
      progressDeadlineSeconds: withoutPart.optional(),
      strategy: withoutPart.optional(),
      template: z.object({
        metadata: z.object({ labels: names.default({}), annotations: names.default({}) }),
        spec: z.object({
          serviceAccountName: withoutPart.optional(),
          automountServiceAccountToken: withoutPart.optional(),
          securityContext: withoutPart.optional(),
          restartPolicy: z.literal("Always").optional(),
          dnsPolicy: withoutPart.optional(),
          schedulerName: withoutPart.optional(),
          nodeSelector: withoutPart.optional(),
          tolerations: withoutPart.optional(),
          affinity: withoutPart.optional(),
          topologySpreadConstraints: withoutPart.optional(),
          imagePullSecrets: withoutPart.optional(),
          terminationGracePeriodSeconds: z.number().default(30),
          // One process per pod: the first container is played.
          containers: z.array(container).min(1),
        }),
      }),
    }),
  });
const deployment = workload("Deployment");

const service = z.object({
  ...kind("v1", "Service"),
  spec: z.object({
    selector: names.default({}),
    type: withoutPart.optional(),
    // DNS for pods, of which the gateway has one here.
    clusterIP: withoutPart.optional(),
    publishNotReadyAddresses: withoutPart.optional(),
    sessionAffinity: withoutPart.optional(),
    ports: z
      .array(
        z.object({
          name: z.string().optional(),
          port: z.int(),
          targetPort: portReference.optional(),
          protocol: z.literal("TCP").optional(),
          appProtocol: withoutPart.optional(),
          nodePort: withoutPart.optional(),
        }),
      )
      .default([]),
  }),
});

/** `config` is checked by the plugin's own schema. */
const kongPlugin = z.object({
  ...kind("configuration.konghq.com/v1", "KongPlugin"),
  plugin: z.literal("serverless"),
  config: z.record(z.string(), z.unknown()).default({}),
});

const triggerBase = {
  name: z.string().optional(),
  authenticationRef: withoutPart.optional(),
  metricType: z.literal("AverageValue").optional(),
  useCachedMetrics: withoutPart.optional(),
};

/** https://keda.sh/docs/latest/scalers/aws-sqs/ */
const awsSqsTrigger = z.object({
  ...triggerBase,
  type: z.literal("aws-sqs-queue"),
  metadata: z.object({
    queueURL: z.string().min(1),
    awsRegion: z.string().default(""),
    awsEndpoint: withoutPart.optional(),
    identityOwner: withoutPart.optional(),
    queueLength: wholeNumberText.default(String(kedaDefaults.queueLength)),
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
    // There is one gateway pod, so every aggregation gives its value.
    aggregationType: z.enum(["average", "sum", "max", "min"]).default("average"),
    // The gateway is on this machine.
    timeout: withoutPart.optional(),
  }),
});

/** https://keda.sh/docs/latest/scalers/external-push/ Other fields belong to the scaler. */
const externalPushTrigger = z.object({
  ...triggerBase,
  type: z.literal("external-push"),
  metadata: z
    .object({ scalerAddress: z.string().min(1), backend: z.string().optional() })
    .catchall(z.string()),
});

export const scaledObjectTrigger = z.discriminatedUnion("type", [
  awsSqsTrigger,
  metricsApiTrigger,
  externalPushTrigger,
]);

const scaledObject = z.object({
  ...kind("keda.sh/v1alpha1", "ScaledObject"),
  spec: z.object({
    scaleTargetRef: z.object({
      name: z.string(),
      kind: z.enum(["Deployment", "StatefulSet"]).default("Deployment"),
      apiVersion: withoutPart.optional(),
      envSourceContainerName: withoutPart.optional(),
    }),
    // Whole seconds, at least 1 since KEDA 2.20.
    pollingInterval: z.int().min(1).default(kedaDefaults.pollingSeconds),
    cooldownPeriod: z.int().min(0).default(kedaDefaults.cooldownSeconds),
    initialCooldownPeriod: z.int().min(0).default(0),
    minReplicaCount: z.int().min(0).default(0),
    maxReplicaCount: z.int().min(1).default(kedaDefaults.maxReplicas),
    fallback: z
      .object({
        failureThreshold: z.int().min(0),
        replicas: z.int().min(0),
        behavior: z
          .enum([
            "static",
            "currentReplicas",
            "currentReplicasIfHigher",
            "currentReplicasIfLower",
            "scalingModifiers",
          ])
          .default("static"),
      })
      .optional(),
    advanced: z
      .object({
        horizontalPodAutoscalerConfig: z
          .object({
            behavior: z
              .object({
                scaleDown: z
                  .object({
                    stabilizationWindowSeconds: z.int().min(0).default(kedaDefaults.stabilizationSeconds),
                  })
                  .optional(),
              })
              .optional(),
          })
          .optional(),
      })
      .optional(),
    triggers: z.array(scaledObjectTrigger),
  }),
});

const component = z.object({
  ...kind("dapr.io/v1alpha1", "Component"),
  spec: z.object({
    type: z.enum(["pubsub.aws.snssqs", "pubsub.snssqs"]),
    version: z.string(),
    metadata: z.array(z.object({ name: z.string(), value: z.string().default("") })).default([]),
  }),
  // One sidecar stands for those of all pods.
  scopes: withoutPart.optional(),
});

/** The kinds above by name. Routes are read by packages/manifests; other kinds are not played. */
export const kinds = {
  Deployment: deployment,
  StatefulSet: workload("StatefulSet"),
  Service: service,
  KongPlugin: kongPlugin,
  ScaledObject: scaledObject,
  Component: component,
} as const;

/** A workload with pods; a StatefulSet is played like a Deployment. */
export type Deployment = Omit<z.output<typeof deployment>, "kind"> & { readonly kind: string };
export type PodSpec = Deployment["spec"]["template"]["spec"];
export type ContainerSpec = PodSpec["containers"][number];
export type KubernetesService = z.output<typeof service>;
export type KongPlugin = z.output<typeof kongPlugin>;
export type ScaledObject = z.output<typeof scaledObject>;
export type ScaledObjectTrigger = ScaledObject["spec"]["triggers"][number];
export type Component = z.output<typeof component>;

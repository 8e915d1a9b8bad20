import type { CodeEntry } from "./code-entry.ts";

/** Names that must agree. */
export const nameCodes = {
  PLUGIN_CONFIG_INVALID: {
    severity: "error",
    why: "Kong refuses the configuration, or the plugin server does, and the route answers 500.",
    fix: "Correct the field; docs/configuration.md lists all of them.",
  },
  PLUGIN_NOT_FOUND: {
    severity: "error",
    why: "The ingress controller attaches nothing: requests reach the sleeping backend unheld and fail.",
    fix: "Name a KongPlugin of the same namespace, or a KongClusterPlugin.",
  },
  PLUGIN_UNUSED: {
    severity: "warning",
    why: "No route runs the plugin, so nothing wakes its backends.",
    fix: "Name the plugin in the annotation konghq.com/plugins of the backend's Ingress or Service, or remove it.",
  },
  COMPONENT_NOT_FOUND: {
    severity: "error",
    why: "The sidecar answers a publish to an unknown pub/sub component with 404: no wake message or job is ever sent.",
    fix: "Make the name and the namespace of the Dapr Component agree with who publishes: a sidecar sees the Components of its own namespace only.",
  },
  COMPONENT_SCOPE_MISSING: {
    severity: "error",
    why: "A Component with scopes is loaded by the listed apps only; for others it does not exist.",
    fix: "Add the publisher's dapr.io/app-id to the Component's scopes.",
  },
  DAPR_NOT_ENABLED: {
    severity: "error",
    why: "Without its sidecar the app cannot publish: every job is refused with SIDECAR_UNAVAILABLE.",
    fix: 'Annotate the pod template with dapr.io/enabled: "true" and a dapr.io/app-id.',
  },
  WAKE_QUEUE_NOT_WATCHED: {
    severity: "error",
    why: "Wake messages go where no scaler looks: requests are held until their deadline and answered 503.",
    fix: "Give the backend's topic and the queue of its ScaledObject's trigger one name.",
  },
  BACKEND_NOT_SCALED: {
    severity: "error",
    why: "Neither a wake queue nor its demand wakes the backend: requests are held until their deadline and answered 503.",
    fix: "Give the backend `pubsub` and `topic`, or its ScaledObject a metrics-api trigger on /demand/{name}.",
  },
  DEMAND_NOT_WATCHED: {
    severity: "warning",
    why: "The wake queue only decides between zero and one: the backend never gets a second replica.",
    fix: "Add a metrics-api trigger on /demand/{name} to the ScaledObject, or set maxReplicaCount to 1.",
  },
  DEMAND_BACKEND_UNKNOWN: {
    severity: "error",
    why: "The gateway answers 0 for a name that it does not know: the trigger never scales.",
    fix: "End the trigger's url with /demand/ and the backend's `name` in the plugin's configuration.",
  },
  DEMAND_SERVICE_NOT_FOUND: {
    severity: "error",
    why: "The scaler cannot ask for the demand, and while a trigger fails KEDA does not scale to zero.",
    fix: "Make host and port of the trigger's url agree with the Service of the plugin server (SERVICE.NAMESPACE.svc and, when endpoints are asked one by one, the pod's port).",
  },
  DEMAND_NOT_SUMMED: {
    severity: "error",
    why: "Each gateway pod knows its own requests only: without their sum the count is a part of the truth, and which part changes.",
    fix: 'Set aggregateFromKubeServiceEndpoints: "true", aggregationType: sum and valueLocation: demand.',
  },
  WAKE_TOPIC_SHARED: {
    severity: "warning",
    why: "A request to one of them wakes all of them and keeps them awake.",
    fix: "Give each backend a topic of its own.",
  },
  SCALE_TARGET_NOT_FOUND: {
    severity: "error",
    why: "KEDA scales nothing: a ScaledObject reaches workloads of its own namespace only.",
    fix: "Make spec.scaleTargetRef.name and both namespaces agree.",
  },
  SCALE_TARGET_SHARED: {
    severity: "error",
    why: "KEDA's webhook refuses the second ScaledObject; without the webhook both fight over the replicas.",
    fix: "Put all triggers into one ScaledObject.",
  },
  SCALE_TARGET_MISMATCH: {
    severity: "error",
    why: "The wake message starts another workload than the one that the request is for, which stays at zero.",
    fix: "Let the ScaledObject that watches the backend scale the workload behind the route's Service.",
  },
  SERVICE_NOT_FOUND: {
    severity: "error",
    why: "Kong has no upstream for the route: it answers 503, and the plugin has nothing to probe.",
    fix: "Make the Ingress's backend.service agree with a Service of its namespace, in name and port.",
  },
  SERVICE_SELECTS_NOTHING: {
    severity: "error",
    why: "The Service never has an endpoint, however many pods run: no probe succeeds.",
    fix: "Make the Service's selector agree with the labels of the pod template.",
  },
  SERVICE_PORT_NOT_FOUND: {
    severity: "error",
    why: "Kubernetes finds no port of that name in the pods: the Service has no endpoint.",
    fix: "Make targetPort agree with the name of a container's port.",
  },
  AUTHENTICATION_NOT_FOUND: {
    severity: "error",
    why: "KEDA cannot log in to the queue, and the ScaledObject is not ready.",
    fix: "Name a TriggerAuthentication of the ScaledObject's namespace.",
  },
  REGION_MISMATCH: {
    severity: "error",
    why: "Messages go to the queues of one region and are looked for in another.",
    fix: "Give the Dapr Component, the ScaledObjects' triggers and the consumer one region.",
  },
  ENDPOINT_MISMATCH: {
    severity: "error",
    why: "Messages go to the queues of one service, an emulator for instance, and are looked for in another.",
    fix: "Give the Dapr Component (endpoint), the ScaledObject's trigger (awsEndpoint) and the consumer (AWS_ENDPOINT_URL) one address, or none.",
  },
  REFERENCE_NOT_FOUND: {
    severity: "error",
    why: "The container does not start: CreateContainerConfigError.",
    fix: "Make the reference agree with a ConfigMap or Secret, and a key of it, of the same namespace, or mark it optional.",
  },
  ENVIRONMENT_INVALID: {
    severity: "error",
    why: "The app refuses its environment and exits at once.",
    fix: "Correct the variable; docs/configuration.md lists all of them.",
  },
  CONSUMER_QUEUE_NOT_WATCHED: {
    severity: "error",
    why: "Messages in the consumer's queue do not start it, or another queue's messages start it for nothing.",
    fix: "Give QUEUE_NAME (or QUEUE_URL) and the queueURL of its ScaledObject's trigger the same queue.",
  },
  CONSUMER_ON_WAKE_QUEUE: {
    severity: "error",
    why: "Nobody may consume a wake queue: a message that is taken away no longer keeps its backend awake.",
    fix: "Give the consumer a queue of its own.",
  },
  JOBS_QUEUE_NOT_CONSUMED: {
    severity: "error",
    why: "A message to an SNS topic without a queue is dropped, and the publisher is told that all went well.",
    fix: "Give JOBS_TOPIC and the consumer's queue one name: the queue is provisioned under its topic's name.",
  },
  CALLBACK_HOST_NOT_ALLOWED: {
    severity: "error",
    why: "The consumer refuses to post results there: every job goes to the dead-letter queue.",
    fix: "Put host and port of GATEWAY_URL into the consumer's CALLBACK_HOSTS.",
  },
  CALLBACK_BYPASSES_GATEWAY: {
    severity: "error",
    why: "Only the gateway wakes a backend: results for one that sleeps are lost.",
    fix: "Let GATEWAY_URL name the gateway's proxy Service.",
  },
  RABBITMQ_DEFINITION_MISSING: {
    severity: "error",
    why: "A publisher declares only the exchange: without queue and binding every wake message is dropped.",
    fix: "Define the queue, and its binding to the exchange that has the topic's name, in RabbitMQ's definitions.",
  },
  RABBITMQ_EXCHANGE_DIFFERS: {
    severity: "error",
    why: "RabbitMQ closes the channel of a publisher that declares an exchange otherwise than it is: no publish works.",
    fix: 'Define the exchange as Dapr declares it (fanout, durable, not auto-deleted) and set the Component\'s deletedWhenUnused to "false".',
  },
} as const satisfies Record<string, CodeEntry>;

/** A setting of a trigger: what KEDA's scaler takes in its metadata. */
export interface TriggerField {
  readonly type: "text" | "number" | "whole" | "switch" | "duration";
  readonly isRequired?: boolean;
  readonly allowed?: readonly string[];
  /** Whether it may also come from a login (authenticationRef). */
  readonly isLogin?: boolean;
  /** Whether NAMEFromEnv may stand for it. */
  readonly isEnv?: boolean;
}

const text = { type: "text" } as const;
const number = { type: "number" } as const;
const whole = { type: "whole" } as const;
const isOn = { type: "switch" } as const;
const duration = { type: "duration" } as const;

/** What KEDA itself reads from a trigger with an external scaler; everything else is for that scaler. */
const external = {
  scalerAddress: { ...text, isRequired: true },
  enableTLS: isOn,
  unsafeSsl: isOn,
} as const;

/** The scalers in KEDA 2.20 that matter to this system: https://keda.sh/docs/2.20/scalers/ */
const scalers: Readonly<Record<string, Readonly<Record<string, TriggerField>>>> = {
  "aws-sqs-queue": {
    queueURL: { ...text, isRequired: true, isEnv: true },
    awsRegion: { ...text, isRequired: true, isLogin: true },
    awsEndpoint: text,
    queueLength: whole,
    activationQueueLength: whole,
    scaleOnInFlight: isOn,
    scaleOnDelayed: isOn,
    identityOwner: { ...text, allowed: ["pod", "operator"] },
    awsAccessKeyID: { ...text, isEnv: true },
    awsSecretAccessKey: { ...text, isEnv: true },
    awsSessionToken: { ...text, isEnv: true },
  },
  "metrics-api": {
    url: { ...text, isRequired: true },
    valueLocation: { ...text, isRequired: true },
    targetValue: { ...number, isRequired: true },
    activationTargetValue: number,
    format: { ...text, allowed: ["json", "prometheus", "xml", "yaml"] },
    unsafeSsl: isOn,
    aggregateFromKubeServiceEndpoints: isOn,
    aggregationType: { ...text, allowed: ["average", "sum", "max", "min"] },
    timeout: duration,
    authMode: text,
    authModes: text,
    method: { ...text, allowed: ["header", "query"] },
    keyParamName: text,
    apiKey: text,
  },
  rabbitmq: {
    queueName: { ...text, isRequired: true },
    host: { ...text, isRequired: true, isLogin: true, isEnv: true },
    protocol: { ...text, allowed: ["amqp", "http", "auto"] },
    mode: {
      ...text,
      allowed: [
        "QueueLength",
        "MessageRate",
        "DeliverGetRate",
        "PublishedToDeliveredRatio",
        "ExpectedQueueConsumptionTime",
      ],
    },
    value: number,
    activationValue: number,
    queueLength: number,
    vhostName: text,
    useRegex: isOn,
    excludeUnacknowledged: isOn,
    pageSize: whole,
    operation: { ...text, allowed: ["sum", "avg", "max"] },
    timeout: duration,
    unsafeSsl: isOn,
    username: { ...text, isEnv: true },
    password: { ...text, isEnv: true },
  },
  external,
  "external-push": external,
  cpu: { value: { ...number, isRequired: true }, containerName: text },
  memory: { value: { ...number, isRequired: true }, containerName: text },
  cron: {
    timezone: { ...text, isRequired: true },
    start: { ...text, isRequired: true },
    end: { ...text, isRequired: true },
    desiredReplicas: { ...whole, isRequired: true },
  },
};

/** The settings of a kind of trigger by name; undefined for an unknown kind, which may have any. */
export function triggerFields(type: string): ReadonlyMap<string, TriggerField> | undefined {
  const fields = Object.hasOwn(scalers, type) ? scalers[type] : undefined;
  if (fields === undefined) return undefined;
  const own = Object.entries(fields);
  const fromEnv = own
    .filter(([, field]) => field.isEnv)
    .map(([name]): [string, TriggerField] => [`${name}FromEnv`, text]);
  return new Map([...own, ...fromEnv]);
}

/** Whether the trigger may have settings that KEDA passes on unread. */
export function handsSettingsOn(type: string): boolean {
  return scalers[type] === external;
}

/** KEDA's other scalers. */
const otherTriggers: readonly string[] =
  "activemq apache-kafka arangodb artemis-queue aws-cloudwatch aws-dynamodb aws-dynamodb-streams aws-kinesis-stream azure-app-insights azure-blob azure-data-explorer azure-eventhub azure-log-analytics azure-monitor azure-pipelines azure-queue azure-servicebus beanstalkd cassandra couchdb datadog dynatrace elastic-forecast elasticsearch etcd external-mock forgejo-runner gcp-cloudtasks gcp-pubsub gcp-stackdriver gcp-storage github-runner graphite huawei-cloudeye ibmmq influxdb kafka kubernetes-resource kubernetes-workload liiklus loki mongodb mssql mysql nats-jetstream new-relic nsq opensearch openstack-metric openstack-swift postgresql predictkube prometheus pulsar redis redis-cluster redis-cluster-streams redis-sentinel redis-sentinel-streams redis-streams selenium-grid solace-direct-messaging solace-event-queue solarwinds solr splunk splunk-observability stan sumologic temporal".split(
    " ",
  );

export const knownTriggers: readonly string[] = [...Object.keys(scalers), ...otherTriggers];

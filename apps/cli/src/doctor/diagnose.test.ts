import {
  type GatewayValues,
  Manifests,
  Place,
  readGateway,
  readSystem,
  toManifest,
  type Step,
} from "@kong-serverless/manifests";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { add, copy, type Mistake, plant, remove, set, setVariable } from "../testing/planted.ts";
import { diagnose } from "./diagnose.ts";
import { rules } from "./rules/index.ts";

const backend = "Deployment/demo-backend";
const plugin = "KongPlugin/serverless-demo-backend";
const backendScaler = "ScaledObject/demo-backend";
const consumerScaler = "ScaledObject/consumer";
const container = ["spec", "template", "spec", "containers", 0];
const annotations = ["spec", "template", "metadata", "annotations"];
const wake = ["spec", "triggers", 0, "metadata"];
const demand = ["spec", "triggers", 1, "metadata"];
const firstBackend = ["config", "backend", 0];

const diagnosePlanted = (values: object, ...mistakes: Mistake[]) =>
  diagnoseWith({ values: new Place(values, []), replaced: [] }, ...mistakes);
const diagnoseWith = async (values: GatewayValues, ...mistakes: Mistake[]) =>
  diagnose(readSystem(await plant(...mistakes), readGateway(values)));

const definitions = (queue: object, exchange: object = {}) =>
  JSON.stringify({
    exchanges: [
      { name: "wake-demo-backend", type: "fanout", durable: true, auto_delete: false, ...exchange },
    ],
    queues: [{ name: "wakes", durable: true, ...queue }],
    bindings: [{ source: "wake-demo-backend", destination: "wakes", destination_type: "queue" }],
  });
/** The base on RabbitMQ, as the component changes it. */
const onRabbitmq = (text: string): Mistake[] => [
  set("Component/kong-serverless-pubsub", ["spec"], {
    type: "pubsub.rabbitmq",
    version: "v1",
    metadata: [{ name: "deletedWhenUnused", value: "false" }],
  }),
  set(backendScaler, ["spec", "triggers", 0], {
    type: "rabbitmq",
    metadata: { host: "amqp://rabbitmq", queueName: "wakes", mode: "QueueLength", value: "1000" },
  }),
  setVariable("demo-backend", "JOBS_TOPIC", "wake-demo-backend"),
  setVariable("consumer", "QUEUE_NAME", "jobs"),
  add({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "rabbitmq", namespace: "kong-serverless" },
    data: { "definitions.json": text },
  }),
];

/** A separate plugin for a backend behind the first, served by the demo's workload, too. */
const chainedBackend = (fields: object): Mistake =>
  add({
    apiVersion: "configuration.konghq.com/v1",
    kind: "KongClusterPlugin",
    metadata: { name: "store", labels: { global: "true" } },
    plugin: "serverless",
    config: {
      backend: [
        {
          name: "store",
          health: "/healthz",
          upstream: "http://demo-backend.kong-serverless.svc",
          routed: false,
          ...fields,
        },
      ],
    },
  });

/** One mistake for each code, and other codes that it inevitably causes. */
const planted: [code: string, mistakes: Mistake[], brought?: string[]][] = [
  ["PLUGIN_CONFIG_INVALID", [set(plugin, ["config", "holdTimeout"], 5)], ["DEMAND_BACKEND_UNKNOWN"]],
  [
    "PLUGIN_NOT_FOUND",
    [set("Ingress/demo-backend", ["metadata", "annotations", "konghq.com/plugins"], "serverless")],
    ["PLUGIN_UNUSED"],
  ],
  ["PLUGIN_UNUSED", [remove("Ingress/demo-backend")]],
  ["COMPONENT_NOT_FOUND", [set(plugin, [...firstBackend, "pubsub"], "pubsub")]],
  ["COMPONENT_SCOPE_MISSING", [set("Component/kong-serverless-pubsub", ["scopes"], ["other"])]],
  ["DAPR_NOT_ENABLED", [set(backend, [...annotations, "dapr.io/enabled"], "false")]],
  ["WAKE_QUEUE_NOT_WATCHED", [set(plugin, [...firstBackend, "topic"], "wake-demo")]],
  [
    "BACKEND_NOT_SCALED",
    [
      set(plugin, [...firstBackend, "topic"], undefined),
      set(plugin, [...firstBackend, "pubsub"], undefined),
      set(backendScaler, ["spec", "triggers", "length"], 1),
    ],
  ],
  ["CHAIN_BACKEND_UNKNOWN", [set(plugin, [...firstBackend, "alsoWake"], ["demo-backends"])]],
  [
    "CHAIN_NOT_PROBED",
    [set(plugin, [...firstBackend, "waitFor"], ["store"]), chainedBackend({ upstream: undefined })],
    ["BACKEND_NOT_SCALED"],
  ],
  [
    "CHAIN_WITHOUT_END",
    [set(plugin, [...firstBackend, "waitFor"], ["store"]), chainedBackend({ alsoWake: ["demo-backend"] })],
    ["BACKEND_NOT_SCALED"],
  ],
  ["DEMAND_NOT_WATCHED", [set(backendScaler, ["spec", "triggers", "length"], 1)]],
  [
    "DEMAND_BACKEND_UNKNOWN",
    [set(backendScaler, [...demand, "url"], "http://kong-serverless-demand.kong.svc:8090/demand/demo")],
    ["DEMAND_NOT_WATCHED"],
  ],
  [
    "DEMAND_SERVICE_NOT_FOUND",
    [
      set(
        backendScaler,
        [...demand, "url"],
        "http://kong-serverless-demand.kong.svc:8091/demand/demo-backend",
      ),
    ],
  ],
  ["DEMAND_NOT_SUMMED", [set(backendScaler, [...demand, "aggregationType"], "max")]],
  [
    "WAKE_TOPIC_SHARED",
    [
      set(plugin, ["config", "backend", 1], {
        name: "other",
        target: "/other",
        pubsub: "kong-serverless-pubsub",
        topic: "wake-demo-backend",
      }),
    ],
  ],
  [
    "SCALE_TARGET_NOT_FOUND",
    [set(backendScaler, ["metadata", "namespace"], "kong")],
    ["AUTHENTICATION_NOT_FOUND"],
  ],
  ["SCALE_TARGET_SHARED", [copy(consumerScaler, [["metadata", "name"], "consumer-too"])]],
  [
    "SCALE_TARGET_MISMATCH",
    [
      set(backendScaler, ["spec", "scaleTargetRef", "name"], "consumer"),
      set(consumerScaler, ["spec", "scaleTargetRef", "name"], "demo-backend"),
    ],
    ["CONSUMER_QUEUE_NOT_WATCHED", "PRE_STOP_MISSING"],
  ],
  ["SERVICE_NOT_FOUND", [set("Service/demo-backend", ["spec", "ports", 0, "port"], 8080)]],
  [
    "SERVICE_SELECTS_NOTHING",
    [set("Service/demo-backend", ["spec", "selector"], { app: "demo" })],
    ["SCALE_TARGET_MISMATCH"],
  ],
  ["SERVICE_PORT_NOT_FOUND", [set("Service/demo-backend", ["spec", "ports", 0, "targetPort"], "web")]],
  ["AUTHENTICATION_NOT_FOUND", [set("TriggerAuthentication/aws", ["metadata", "name"], "sqs")]],
  ["REGION_MISMATCH", [set(consumerScaler, [...wake, "awsRegion"], "us-east-1")]],
  ["ENDPOINT_MISMATCH", [set(consumerScaler, [...wake, "awsEndpoint"], "http://sqs-emulator:4566")]],
  ["REFERENCE_NOT_FOUND", [set("ConfigMap/aws", ["data"], { zone: "a" })]],
  ["ENVIRONMENT_INVALID", [setVariable("consumer", "CONCURRENCY", "many")]],
  ["CONSUMER_QUEUE_NOT_WATCHED", [set(consumerScaler, [...wake, "queueURL"], "work")]],
  [
    "CONSUMER_ON_WAKE_QUEUE",
    [
      setVariable("consumer", "QUEUE_NAME", "wake-demo-backend"),
      set(consumerScaler, [...wake, "queueURL"], "wake-demo-backend"),
      setVariable("demo-backend", "JOBS_TOPIC", "wake-demo-backend"),
    ],
    ["WAKE_QUEUE_LENGTH_TOO_LOW", "SCALE_TARGET_MISMATCH", "PRE_STOP_MISSING"],
  ],
  ["JOBS_QUEUE_NOT_CONSUMED", [setVariable("demo-backend", "JOBS_TOPIC", "job")]],
  [
    "CALLBACK_HOST_NOT_ALLOWED",
    [setVariable("consumer", "CALLBACK_HOSTS", "kong-gateway-proxy.kong.svc:8000")],
  ],
  [
    "CALLBACK_BYPASSES_GATEWAY",
    [
      setVariable("demo-backend", "GATEWAY_URL", "http://demo-backend.kong-serverless.svc"),
      setVariable("consumer", "CALLBACK_HOSTS", "demo-backend.kong-serverless.svc"),
    ],
  ],
  [
    "RABBITMQ_DEFINITION_MISSING",
    [
      ...onRabbitmq(definitions({ arguments: { "x-message-ttl": 60_000 } })),
      set(plugin, [...firstBackend, "topic"], "wake"),
    ],
    ["WAKE_QUEUE_NOT_WATCHED", "JOBS_QUEUE_NOT_CONSUMED"],
  ],
  [
    "RABBITMQ_EXCHANGE_DIFFERS",
    onRabbitmq(definitions({ arguments: { "x-message-ttl": 60_000 } }, { type: "topic" })),
    ["JOBS_QUEUE_NOT_CONSUMED"],
  ],
  ["WAKE_RETENTION_MISSING", onRabbitmq(definitions({})), ["JOBS_QUEUE_NOT_CONSUMED"]],
  ["PLUGIN_MISSPELT", [set(plugin, ["plugin"], "server-less")]],
  [
    "PLUGIN_NOT_GRANTED",
    [
      set(plugin, ["metadata", "namespace"], "plugins"),
      set(
        "Ingress/demo-backend",
        ["metadata", "annotations", "konghq.com/plugins"],
        "plugins:serverless-demo-backend",
      ),
    ],
  ],
  [
    "SERVICE_NOT_GRANTED",
    [
      add({
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "HTTPRoute",
        metadata: { name: "web", namespace: "routes" },
        spec: {
          rules: [{ backendRefs: [{ name: "demo-backend", namespace: "kong-serverless", port: 80 }] }],
        },
      }),
    ],
  ],
  ["DEMAND_TIMEOUT_MISSING", [set(backendScaler, [...demand, "timeout"], undefined)]],
  ["AUTHENTICATION_MISSING", [set(backendScaler, ["spec", "triggers", 0, "authenticationRef"], undefined)]],
  [
    "HEALTH_DIFFERS_FROM_PROBE",
    [set(backend, [...container, "readinessProbe", "httpGet", "path"], "/ready")],
  ],
  [
    "SCALED_OBJECT_PAUSED",
    [set(backendScaler, ["metadata", "annotations"], { "autoscaling.keda.sh/paused": "true" })],
  ],
  [
    "SCALING_FORMULA_LEAVES_OUT",
    [set(backendScaler, ["spec", "advanced", "scalingModifiers"], { formula: "demand", target: "10" })],
  ],
  [
    "NETWORK_POLICY_SHUTS_OUT",
    [set("NetworkPolicy/gateway-to-demo-backend", ["spec", "ingress", 0, "ports", 0, "port"], 80)],
  ],
  [
    "NOTHING_FOUND",
    [
      (documents) =>
        void documents.splice(0, documents.length, {
          apiVersion: "v1",
          kind: "Namespace",
          metadata: { name: "empty" },
        }),
    ],
  ],

  ["FIELD_TYPE_WRONG", [set(backendScaler, [...wake, "queueLength"], 1000)]],
  ["FIELD_MISSING", [set(backendScaler, ["spec", "fallback"], { failureThreshold: 3 })]],
  [
    "FIELD_OUT_OF_BOUNDS",
    [set(backendScaler, ["spec", "fallback"], { failureThreshold: 3, replicas: 2, behavior: "current" })],
  ],
  ["FIELD_UNKNOWN", [set(backend, [...container, "readynessProbe"], { periodSeconds: 1 })]],
  ["FIELD_MISPLACED", [set(backendScaler, [...wake, "cooldownPeriod"], "60")]],
  ["NAME_INVALID", [set("ServiceAccount/consumer", ["metadata", "name"], "The_Consumer")]],
  ["OBJECT_DEFINED_TWICE", [copy("ServiceAccount/consumer", [["metadata", "labels"], { copy: "two" }])]],
  [
    "SELECTOR_MISMATCH",
    [set(backend, ["spec", "selector", "matchLabels"], { "app.kubernetes.io/name": "backend" })],
  ],
  ["TRIGGER_INVALID", [set(consumerScaler, [...wake, "queueLength"], "ten")]],
  ["KEDA_REFUSES", [set(backendScaler, ["spec", "minReplicaCount"], 6)]],

  // 2 gateways x (60 s / 20 s + 60 s / 5 s) = 30
  ["WAKE_QUEUE_LENGTH_TOO_LOW", [set(backendScaler, [...wake, "queueLength"], "30")]],
  ["RELEASE_FAR_FROM_TARGET", [set(plugin, ["config", "releaseConcurrency"], 101)]],
  ["WAKE_ACTIVATION_TOO_HIGH", [set(backendScaler, [...wake, "activationQueueLength"], "1")]],
  ["KEEP_WARM_TOO_SLOW", [set(plugin, ["config", "keepWarmIntervalMs"], 59_000)]],
  ["KEEP_WARM_WITHOUT_SPARE", [set(plugin, ["config", "keepWarmIntervalMs"], 30_000)]],
  ["LEASE_TOO_LONG", [set(plugin, ["config", "readyLeaseMs"], 100_000)]],
  ["HOLD_ABOVE_READ_TIMEOUT", [set(plugin, ["config", "holdTimeoutMs"], 61_000)]],
  ["GATEWAY_GRACE_TOO_SHORT", []],
  ["CLIENT_ABORT_CHECKED", []],
  ["HOLD_TOO_SHORT", [set(plugin, ["config", "holdTimeoutMs"], 1000)]],
  ["POLLING_INTERVAL_TOO_SHORT", [set(consumerScaler, ["spec", "pollingInterval"], 0)]],
  ["POLLING_INTERVAL_SLOW", [set(backendScaler, ["spec", "pollingInterval"], 15)]],
  ["REPLICAS_SET", [set(backend, ["spec", "replicas"], 1)]],
  ["IN_FLIGHT_NOT_COUNTED", [set(consumerScaler, [...wake, "scaleOnInFlight"], "false")]],
  [
    "GRACE_PERIOD_TOO_SHORT",
    [set("Deployment/consumer", ["spec", "template", "spec", "terminationGracePeriodSeconds"], 20)],
  ],
  ["GATEWAY_INCOMPLETE", []],
  ["GATEWAY_VALUES_REPLACED", []],
  ["PRE_STOP_MISSING", [set(backend, [...container, "lifecycle"], undefined)]],
  ["READINESS_PROBE_MISSING", [set(backend, [...container, "readinessProbe"], undefined)]],
  ["READINESS_PROBE_SLOW", [set(backend, [...container, "readinessProbe", "periodSeconds"], 10)]],
  [
    "SIDECAR_DELAYS_COLD_START",
    [set(backend, [...annotations, "dapr.io/sidecar-readiness-probe-delay-seconds"], "3")],
  ],
  ["SERVICE_UPSTREAM_MISSING", [set("Service/demo-backend", ["metadata", "annotations"], {})]],
  ["VISIBILITY_ABOVE_HANDLER_LIMIT", [setVariable("consumer", "VISIBILITY_SECONDS", "400")]],
  ["VISIBILITY_TOO_SHORT", [setVariable("consumer", "VISIBILITY_SECONDS", "5")]],
  [
    "HANDLER_LIMIT_BELOW_CALLBACK",
    [
      setVariable("consumer", "HANDLER_TIMEOUT_SECONDS", "60"),
      setVariable("demo-backend", "MAX_JOB_SECONDS", "30"),
    ],
  ],
  ["JOB_ABOVE_HANDLER_LIMIT", [setVariable("demo-backend", "MAX_JOB_SECONDS", "300")]],
  ["CALLBACK_TIMEOUT_TOO_SHORT", [setVariable("consumer", "CALLBACK_TIMEOUT_SECONDS", "60")]],
];

const releaseFindings = async (releaseConcurrency: number, targetValue: string, ...others: Mistake[]) => {
  const { findings } = await diagnosePlanted(
    {},
    set(plugin, ["config", "releaseConcurrency"], releaseConcurrency),
    set(backendScaler, [...demand, "targetValue"], targetValue),
    ...others,
  );
  return findings.filter(({ code }) => code === "RELEASE_FAR_FROM_TARGET").map(({ what }) => what);
};

describe("the release and the target", () => {
  test.each([
    [100, "10"],
    [10, "100"],
    [0, "1"],
  ])("may be %i and %s", async (releaseConcurrency, targetValue) => {
    expect(await releaseFindings(releaseConcurrency, targetValue)).toEqual([]);
  });

  test("may not be far apart in either direction", async () => {
    expect(await releaseFindings(110, "10")).toEqual([
      "demo-backend gets 110 requests at once when it has started; ScaledObject kong-serverless/demo-backend expects 10 per replica",
    ]);
    expect(await releaseFindings(1, "11")).toHaveLength(1);
  });

  test("are not compared if the target is not per replica", async () => {
    const ofAll = set(backendScaler, ["spec", "triggers", 1, "metricType"], "Value");
    expect(await releaseFindings(100, "1", ofAll)).toEqual([]);
  });
});

describe("diagnose", () => {
  const calm = { podAnnotations: { "dapr.io/app-id": "kong-gateway" }, terminationGracePeriodSeconds: 120 };
  /** Mistakes in the gateway's own values. */
  const gatewayMistakes: Partial<Record<string, object>> = {
    // A read timeout below two heartbeats (15 s each).
    HOLD_ABOVE_READ_TIMEOUT: { env: { nginx_proxy_lua_socket_read_timeout: "30s" } },
    GATEWAY_GRACE_TOO_SHORT: { terminationGracePeriodSeconds: 60 },
    CLIENT_ABORT_CHECKED: { env: { nginx_proxy_lua_check_client_abort: "on" } },
    GATEWAY_INCOMPLETE: { env: { serverless_http_socket: "/run/serverless.socket" } },
  };

  const list = new Place([], []);
  const replaced: Partial<Record<string, GatewayValues["replaced"]>> = {
    GATEWAY_VALUES_REPLACED: [{ name: "plugin-server", place: list, by: list }],
  };

  test.each(planted)("finds %s where planted, and nothing else", async (code, mistakes, brought = []) => {
    const values = new Place({ ...calm, ...gatewayMistakes[code] }, []);
    const { findings, ok } = await diagnoseWith({ values, replaced: replaced[code] ?? [] }, ...mistakes);
    expect(new Set(findings.map((finding) => finding.code))).toEqual(new Set([code, ...brought]));
    expect(ok).toBe(false);
  });

  test("covers every code that manifests can show", () => {
    const codes = planted.map(([code]) => code);
    expect(new Set(codes)).toEqual(new Set(rules.map(({ code }) => code)));
  });

  test("says where a mistake is, what was found and how to fix it", async () => {
    const { findings } = await diagnosePlanted(calm, set(backendScaler, [...wake, "queueLength"], "5"));
    expect(findings).toEqual([
      {
        code: "WAKE_QUEUE_LENGTH_TOO_LOW",
        severity: "error",
        what: "ScaledObject kong-serverless/demo-backend asks for a replica for every 5 messages; 2 gateways can have 30 in the wake queue of demo-backend",
        where: { file: "planted.yaml", path: "spec.triggers[0].metadata.queueLength" },
        why: expect.stringContaining("must only wake"),
        fix: expect.stringContaining("queueLength"),
      },
    ]);
  });

  test("takes the gateway's pods and read timeout from its chart's values", async () => {
    const many = { ...calm, autoscaling: { enabled: true, maxReplicas: 100 } };
    const { findings } = await diagnosePlanted(many);
    expect(findings.map(({ code }) => code)).toEqual(["WAKE_QUEUE_LENGTH_TOO_LOW"]);
  });

  test("lists what the manifests alone do not show", async () => {
    const { skipped } = await diagnosePlanted({}, (documents) => {
      const consumer = documents.find(
        ({ kind, metadata }) => kind === "Deployment" && (metadata as { name: string }).name === "consumer",
      );
      setSecretVariable(consumer);
    });
    expect(skipped).toContain(
      "ACCOUNT_ID of Deployment kong-serverless/consumer: Secret account is not among the manifests",
    );
  });
});

test("skips a plugin whose configuration is in a Secret, and says so", async () => {
  const { findings, skipped } = await diagnosePlanted(
    {},
    set(plugin, ["config"], undefined),
    set(plugin, ["configFrom"], { secretKeyRef: { name: "plugin", key: "config" } }),
  );
  expect(findings.map(({ code }) => code)).not.toContain("PLUGIN_CONFIG_INVALID");
  expect(skipped).toContain(
    "KongPlugin kong-serverless/serverless-demo-backend: its configuration is in a Secret",
  );
});

describe("diagnose, given nonsense", () => {
  test("reports findings and never throws, whatever a manifest contains", async () => {
    const base = await plant();
    const places = base.all.flatMap(({ root }) => pathsOf(root.value).map((path) => ({ root, path })));
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 2 }), ({ root, path }, value) => {
        const documents = base.all.map((manifest) =>
          manifest.root === root ? replaceAt(root.value, path, value) : manifest.root.value,
        );
        const manifests = new Manifests(documents.flatMap((document) => toManifest(document, []) ?? []));
        const { ok, findings } = diagnose(readSystem(manifests, readGateway()));
        expect(ok).toBe(findings.length === 0);
      }),
    );
  });
});

function pathsOf(value: unknown): Step[][] {
  if (typeof value !== "object" || value === null) return [[]];
  const keys: Step[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [
    [],
    ...keys.flatMap((key) => pathsOf(Reflect.get(value, key)).map((path) => path.toSpliced(0, 0, key))),
  ];
}

function replaceAt(root: unknown, [step, ...rest]: readonly Step[], value: unknown): unknown {
  if (step === undefined) return value;
  const copied: Record<Step, unknown> = Array.isArray(root)
    ? Object.assign([], root)
    : Object.assign({}, root);
  copied[step] = replaceAt(copied[step], rest, value);
  return copied;
}

function setSecretVariable(deployment: unknown): void {
  const { spec } = deployment as { spec: { template: { spec: { containers: { env: object[] }[] } } } };
  const variable = { name: "ACCOUNT_ID", valueFrom: { secretKeyRef: { name: "account", key: "id" } } };
  spec.template.spec.containers[0]?.env.push(variable);
}

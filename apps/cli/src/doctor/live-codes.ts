import type { CodeEntry } from "./code-entry.ts";

/** What only a live cluster or account shows. */
export const liveCodes = {
  CRD_MISSING: {
    severity: "error",
    why: "The API server does not know the kind: applying it fails, and nobody acts on it.",
    fix: "Install the platform: KEDA, Dapr and the Kong Ingress Controller (deploy/platform).",
  },
  CRD_VERSION_MISSING: {
    severity: "error",
    why: "The manifests are written for a version of the kind that this cluster does not serve.",
    fix: "Upgrade the operator that brings the kind.",
  },
  SCALED_OBJECT_NOT_READY: {
    severity: "error",
    why: "KEDA does not scale the workload.",
    fix: "The condition's message says what KEDA lacks; its operator's log says more.",
  },
  SCALED_OBJECT_PAUSED: {
    severity: "warning",
    why: "KEDA leaves the replicas alone until the annotation is removed: nothing wakes and nothing sleeps.",
    fix: "Remove the autoscaling.keda.sh/paused annotations.",
  },
  TRIGGER_FAILING: {
    severity: "error",
    why: "KEDA cannot read the trigger: it neither wakes the workload nor lets it go to zero.",
    fix: "Look whether the queue exists, whether KEDA may read it and whether a NetworkPolicy lets KEDA reach the gateway.",
  },
  PLUGIN_REJECTED: {
    severity: "error",
    why: "The ingress controller could not give the plugin to Kong, which may not know it: the route runs without it.",
    fix: "The condition's message says why. Kong needs `serverless` in KONG_PLUGINS and the plugin's QUERY_CMD.",
  },
  SIDECAR_NOT_INJECTED: {
    severity: "error",
    why: "Dapr's injector was not there when the pod was made: what it publishes goes nowhere.",
    fix: "Look at the pods of dapr-sidecar-injector, then delete this pod.",
  },
  ENDPOINTS_MISSING: {
    severity: "warning",
    why: "The workload runs, but no pod of it is ready behind its Service: Kong has nobody to send requests to. During a cold start this is so for a moment.",
    fix: "Look at the pods' readiness probes, and at the Service's selector and ports.",
  },
  GATEWAY_NOT_READY: {
    severity: "error",
    why: "No ready pod is behind the Service that tells the demand: the plugin server does not run, or its port is another.",
    fix: "Look at the gateway's pods and at the container of the plugin server.",
  },
  TOPIC_MISSING: {
    severity: "error",
    why: "Nothing is subscribed to a topic that does not exist: what is published to it is dropped.",
    fix: "Run `kong-serverless provision`.",
  },
  QUEUE_MISSING: {
    severity: "error",
    why: "There is nothing that the scaler could watch: nobody is woken.",
    fix: "Run `kong-serverless provision`.",
  },
  QUEUE_DIFFERS: {
    severity: "error",
    why: "The queue, its policy or its subscription is not as the system needs it.",
    fix: "Run `kong-serverless provision --dry-run` to see the difference, and without --dry-run to repair it.",
  },
} as const satisfies Record<string, CodeEntry>;

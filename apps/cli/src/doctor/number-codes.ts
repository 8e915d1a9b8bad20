import type { CodeEntry } from "./code-entry.ts";

/** Numbers that must fit one another. */
export const numberCodes = {
  WAKE_QUEUE_LENGTH_TOO_LOW: {
    severity: "error",
    why: "The wake queue must only wake. Below the messages that all gateways together can have in it, it asks for replicas that nobody needs.",
    fix: "Raise queueLength (RabbitMQ: value) above gateways x (retention / keepWarmIntervalMs + longest hold / wakeRepeatMs); 1000 is the default here.",
  },
  WAKE_ACTIVATION_TOO_HIGH: {
    severity: "error",
    why: "One message, or one held request, must wake the backend; the trigger becomes active above its activation value only.",
    fix: 'Set the trigger\'s activation value to "0".',
  },
  WAKE_RETENTION_MISSING: {
    severity: "error",
    why: "Nobody consumes a wake queue: without expiry it never empties, and the backend never sleeps again.",
    fix: "Give the queue an x-message-ttl in RabbitMQ's definitions (60000).",
  },
  KEEP_WARM_TOO_SLOW: {
    severity: "error",
    why: "The wake queue runs empty under traffic: after the cooldown the backend is stopped while it is in use.",
    fix: "Keep keepWarmIntervalMs + pollingInterval below the wake queue's retention.",
  },
  KEEP_WARM_WITHOUT_SPARE: {
    severity: "warning",
    why: "One lost keep-warm message and the wake queue is empty under traffic.",
    fix: "Keep twice keepWarmIntervalMs + pollingInterval below the wake queue's retention.",
  },
  LEASE_TOO_LONG: {
    severity: "error",
    why: "The gateway takes the backend for ready when the scaler has already stopped it: requests fail instead of being held.",
    fix: "Keep readyLeaseMs + keepWarmIntervalMs + pollingInterval below retention + cooldownPeriod.",
  },
  HOLD_ABOVE_READ_TIMEOUT: {
    severity: "error",
    why: "Kong answers 500 when its plugin server is silent for longer than its read timeout; the heartbeat must come at least twice in it.",
    fix: "Raise nginx_proxy_lua_socket_read_timeout above twice the heartbeat (15 s), or keep holdTimeoutMs below it.",
  },
  GATEWAY_GRACE_TOO_SHORT: {
    severity: "warning",
    why: "A gateway pod that is replaced is killed with requests still held: their clients see a broken connection.",
    fix: "Raise terminationGracePeriodSeconds in the gateway's chart values above the longest hold, and let Kong's preStop wait as long (kong quit --timeout).",
  },
  HOLD_TOO_SHORT: {
    severity: "warning",
    why: "A hold that ends before the scaler has looked and the first readiness probe can succeed answers every cold start with 503.",
    fix: "Raise holdTimeoutMs, or lower pollingInterval, the readiness probe's delay or the start-up time.",
  },
  POLLING_INTERVAL_TOO_SHORT: {
    severity: "error",
    why: "KEDA refuses it since 2.20; before, it was a busy loop.",
    fix: "Set pollingInterval to 1 or more.",
  },
  POLLING_INTERVAL_SLOW: {
    severity: "warning",
    why: "Every cold start waits for the scaler's next look, up to this long. KEDA's default is 30 seconds.",
    fix: "Set pollingInterval to 1.",
  },
  REPLICAS_SET: {
    severity: "warning",
    why: "KEDA sets the replicas; each apply sets them back, which stops a busy backend or starts a sleeping one.",
    fix: "Leave spec.replicas out.",
  },
  IN_FLIGHT_NOT_COUNTED: {
    severity: "error",
    why: "A message in work does not count: KEDA stops the consumer while it works on the last ones.",
    fix: 'Leave scaleOnInFlight at its default, "true".',
  },
  GRACE_PERIOD_TOO_SHORT: {
    severity: "error",
    why: "The kubelet kills the process before it has ended its work: open requests are cut, messages come again.",
    fix: "Raise terminationGracePeriodSeconds above the preStop pause plus SHUTDOWN_GRACE_SECONDS.",
  },
  PRE_STOP_MISSING: {
    severity: "warning",
    why: "A request that arrives in the second in which KEDA scales to zero meets a process that no longer listens.",
    fix: "Add lifecycle.preStop.sleep.seconds: 5.",
  },
  READINESS_PROBE_MISSING: {
    severity: "warning",
    why: "The Service sends requests to a pod that has only just started, for instance the second one under load.",
    fix: "Add a readinessProbe on the path that the plugin's `health` names.",
  },
  READINESS_PROBE_SLOW: {
    severity: "warning",
    why: "The kubelet's period is part of every cold start: the Service has no endpoint before the probe succeeds.",
    fix: "Set periodSeconds to 1 and leave initialDelaySeconds out.",
  },
  SIDECAR_DELAYS_COLD_START: {
    severity: "warning",
    why: "The Dapr sidecar's own readiness probe delays its pod's readiness, and so every cold start.",
    fix: 'Annotate the pod template with dapr.io/sidecar-readiness-probe-delay-seconds: "0".',
  },
  SERVICE_UPSTREAM_MISSING: {
    severity: "warning",
    why: "Kong learns of a ready pod only with the ingress controller's next sync (3 s): the first requests after the hold are answered 503.",
    fix: 'Annotate the Service with ingress.kubernetes.io/service-upstream: "true".',
  },
  VISIBILITY_ABOVE_HANDLER_LIMIT: {
    severity: "warning",
    why: "The messages of a killed worker lie idle for longer than any handler may take.",
    fix: "Lower VISIBILITY_SECONDS: it is extended while a handler runs.",
  },
  VISIBILITY_TOO_SHORT: {
    severity: "warning",
    why: "A few slow extensions and a message in work becomes visible to another worker, which does the same work again.",
    fix: "Set VISIBILITY_SECONDS to 10 or more.",
  },
  HANDLER_LIMIT_BELOW_CALLBACK: {
    severity: "error",
    why: "The handler is cut off while it waits for the receiver of its result to wake: done jobs come again.",
    fix: "Keep HANDLER_TIMEOUT_SECONDS above CALLBACK_TIMEOUT_SECONDS.",
  },
  CALLBACK_TIMEOUT_TOO_SHORT: {
    severity: "error",
    why: "The consumer gives up on a callback that the gateway still holds for the sleeping receiver.",
    fix: "Keep CALLBACK_TIMEOUT_SECONDS above the backend's hold time limit.",
  },
} as const satisfies Record<string, CodeEntry>;

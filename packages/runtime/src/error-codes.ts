/** What an error code means and what helps. docs/errors.md is generated from this table, so it lists exactly these. */
export interface ErrorCode {
  /** HTTP status that a client of the gateway or of an app sees; absent where the error never reaches one. */
  readonly status?: number;
  readonly meaning: string;
  readonly remedy: string;
}

export const errorCodes = {
  CONFIG_INVALID: {
    meaning: "A configuration value is unknown, missing or not allowed. Nothing was started.",
    remedy: "The message names the file or variable, the path in it, what was found and what is allowed.",
  },
  PORT_UNAVAILABLE: {
    meaning: "A TCP port could not be opened for listening.",
    remedy: "End the process that holds it, or choose another port with the setting that the message names.",
  },
  NOT_READY_IN_TIME: {
    status: 503,
    meaning: "Something (a backend, a sidecar, a queue endpoint) did not become ready before its deadline.",
    remedy:
      "The message says what was last seen. Look at the logs of what did not start, or raise the deadline.",
  },
  QUEUE_FIFO_UNSUPPORTED: {
    meaning:
      "The consumer was pointed at a FIFO queue, but it handles messages concurrently and in any order.",
    remedy: "Use a standard queue.",
  },
  HANDLER_FAILED: {
    meaning: "A message's handler threw an error. The message is delivered again after a delay.",
    remedy: "The consumer's log has the error's text as `reason`.",
  },
  HANDLER_TIMEOUT: {
    meaning:
      "A message's handler did not finish within HANDLER_TIMEOUT_SECONDS. The message is delivered again after a delay.",
    remedy: "Make the handler obey its AbortSignal, allow it more time, or move long work into a ScaledJob.",
  },
  MESSAGE_REJECTED: {
    meaning:
      "A handler rejected a message that can never be handled, for example because it does not match its schema.",
    remedy: "Look at the message in the dead-letter queue; the consumer's log has the reason.",
  },
  MESSAGE_LEASE_LOST: {
    meaning:
      "A message became visible to other workers while it was being handled: the same work may be done twice.",
    remedy: "Look for failed visibility changes in the consumer's log; raise VISIBILITY_SECONDS.",
  },
  WORKER_STOPPING: {
    meaning: "The consumer's grace period ended before a handler did. Its message was returned to the queue.",
    remedy:
      "No action is needed. If it happens often, raise SHUTDOWN_GRACE_SECONDS and the pod's grace period.",
  },
  MESSAGE_CORRUPTED: {
    meaning:
      "A received message has no body or a wrong checksum. It was not handled, and is delivered again after a delay.",
    remedy:
      "The consumer's log names the message. If it persists, look for something between worker and queue, such as a proxy.",
  },
  HANDLER_CRASHED: {
    meaning:
      "The thread of a message's handler ended: it called process.exit, ran out of memory or threw outside its promise.",
    remedy:
      "The consumer's log has the reason. The message is delivered again after a delay and handled in another thread.",
  },
  QUEUE_CALL_TIMEOUT: {
    meaning: "A call to the queue got no answer within its deadline.",
    remedy: "Check the network between worker and queue. The worker keeps trying.",
  },
  QUEUE_CREDENTIALS_UNAVAILABLE: {
    meaning:
      "The worker has no credentials for the queue: none are configured, or the service that issues them refuses or does not answer.",
    remedy:
      "The message says why. Check the pod's service account and the token service. The worker keeps trying.",
  },
  QUEUE_ANSWER_INVALID: {
    meaning: "Something else answered in place of the queue, or the queue's answer was corrupted on its way.",
    remedy: "Check the queue's address, and look for something in between, such as a proxy.",
  },
  CALLBACK_FAILED: {
    meaning:
      "A job was done, but its result could not be delivered to its callback URL. The job is delivered again.",
    remedy: "The message has the URL's last answer. Look at the gateway and at the service behind it.",
  },
  FRAME_TOO_LARGE: {
    meaning:
      "A client of the plugin server's socket announced a message above the size limit. Its connection is closed.",
    remedy: "Look at what else connects to the socket. Kong itself sends less than this.",
  },
  PDK_CALL_FAILED: {
    meaning: "Kong did not accept or answer a PDK call: the event had ended, or the connection was closed.",
    remedy: "No action is needed if a client disconnected. Otherwise look at Kong's error log at that time.",
  },
  PLUGIN_FAILED: {
    status: 503,
    meaning: "The plugin threw an error while it handled a request, or could not be started.",
    remedy: "The plugin server's log has the error under plugin.failed or plugin.start_failed.",
  },
  CONFIG_REFUSED: {
    status: 503,
    meaning:
      "The route's plugin configuration is not valid, in a way that Kong's schema language cannot express.",
    remedy:
      "The plugin server's log lists each fault under instance.refused. Until they are fixed, no request wakes anything.",
  },
  PLUGIN_STOPPED: {
    status: 503,
    meaning: "The plugin server was stopped, and the request did not finish within the grace period.",
    remedy: "Try again. If it happens often, raise the grace period above the longest hold.",
  },
  PLUGIN_SERVER_UNAVAILABLE: {
    status: 503,
    meaning: "The plugin server gave no answer, and the backend was not known to be ready.",
    remedy:
      "Check that the plugin server runs, and that KONG_SERVERLESS_HTTP_SOCKET is the same path for it and for Kong.",
  },
  SHARED_DICT_MISSING: {
    status: 503,
    meaning: "Kong has no shared dictionary `kong_serverless`, where the plugin keeps leases and counts.",
    remedy: 'Start Kong with KONG_NGINX_HTTP_LUA_SHARED_DICT="kong_serverless 4m".',
  },
  SOCKET_UNAVAILABLE: {
    meaning: "The plugin server's unix socket could not be created.",
    remedy: "Its directory must exist and be writable, and its path must be shorter than about 100 bytes.",
  },
  SIDECAR_UNAVAILABLE: {
    status: 503,
    meaning: "The Dapr sidecar did not answer: nothing listens at its address, or the connection broke.",
    remedy:
      "Check that daprd runs next to the process and that DAPR_HTTP_ENDPOINT or DAPR_HTTP_PORT points at it.",
  },
  PUBLISH_TIMEOUT: {
    status: 503,
    meaning: "The Dapr sidecar did not answer a publish in time. The message may or may not have been sent.",
    remedy: "Look at daprd's log: it is usually waiting for the broker.",
  },
  PUBLISH_REJECTED: {
    status: 503,
    meaning:
      "The Dapr sidecar refused the message: unknown pub/sub component, topic not allowed or wrong API token.",
    remedy: "The message quotes the sidecar. Check the component's name, its scopes and the token.",
  },
  PUBLISH_FAILED: {
    status: 503,
    meaning: "The message did not reach the broker.",
    remedy: "The message says why; for a status of 500, daprd's log has the broker's answer.",
  },
  PUBLISH_OVERLOADED: {
    status: 503,
    meaning: "Too many publishes are waiting for the Dapr sidecar. Nothing was sent.",
    remedy: "Try again later. If it persists, the sidecar or the broker is too slow for the load.",
  },
  HOLD_TIMEOUT: {
    status: 503,
    meaning: "The request was held for a sleeping backend, which did not become ready in time.",
    remedy:
      "Retry after `Retry-After`. If it persists, check that the wake message arrives and the pod starts.",
  },
  CHAIN_NOT_READY: {
    status: 503,
    meaning: "The backend was ready in time, but one that it waits for (`waitFor`) was not.",
    remedy:
      "`backend` in the answer names the one that was not. Check that it is woken and its pod starts, or move it from waitFor to alsoWake.",
  },
  HELD_LIMIT_REACHED: {
    status: 503,
    meaning: "Too many requests are already waiting for sleeping backends.",
    remedy: "Retry after `Retry-After`, or raise maxHeldPerBackend or maxHeldTotal.",
  },
  ACTIVATION_LIMIT_REACHED: {
    status: 503,
    meaning: "Too many backends are already being started; this one was not woken.",
    remedy: "Retry after `Retry-After`, or raise maxActivations.",
  },
  CLIENT_LIMIT_REACHED: {
    status: 429,
    meaning:
      "The client has too many requests waiting for sleeping backends, or has woken too many within a minute.",
    remedy: "Retry after `Retry-After`, or raise maxHeldPerClient or maxColdStartsPerClient.",
  },
  BACKEND_ASLEEP: {
    status: 503,
    meaning: "The backend is asleep, and this request is one that does not wake it (`wakeExceptions`).",
    remedy:
      "No action is needed for a health check or a crawler. Otherwise remove the exception from wakeExceptions.",
  },
  BACKEND_CONFLICT: {
    status: 503,
    meaning: "Two plugin configurations use the same backend name with different settings.",
    remedy:
      "The message names the fields that differ. Give one backend another `name`, or both the same settings.",
  },
  BACKEND_LIMIT_REACHED: {
    status: 503,
    meaning: "This gateway already has as many backends as it can manage.",
    remedy: "Spread them over several gateways. Unused names are forgotten after a day.",
  },
  PROBE_TARGET_UNKNOWN: {
    status: 503,
    meaning:
      "Neither `upstream` nor the route's Kong service says where to probe the backend or one that it waits for.",
    remedy: "The message says why. Set `upstream` on the backend that it names.",
  },
  GATEWAY_STOPPING: {
    status: 503,
    meaning: "The gateway is shutting down: it passes requests for running backends but holds no new ones.",
    remedy: "Retry at once: another replica answers.",
  },
  REQUEST_INVALID: {
    status: 400,
    meaning: "A request to the demo backend has a value that is missing or not allowed.",
    remedy: "The message names the value, what was found and what is allowed.",
  },
  JOBS_LIMIT_REACHED: {
    status: 429,
    meaning:
      "A submitter tried to queue more than its share of work; the rest of the workers' time is for others.",
    remedy: "Retry after `Retry-After`, or raise JOBS_WORK_SECONDS of the demo backend.",
  },
  NOT_FOUND: {
    status: 404,
    meaning: "The demo backend has no such route, or the replica that answered does not know the job.",
    remedy: "Jobs are in the memory of one replica: ask again, or look at the consumer's log.",
  },
  INTERRUPTED: {
    meaning: "The command was told to stop before it was done.",
    remedy: "Run it again. Finished steps stay done.",
  },
  UNEXPECTED: {
    meaning: "The command failed in an unexpected way.",
    remedy: "This is a bug: please report it with the lines above.",
  },
  KUSTOMIZE_MISSING: {
    meaning: "An overlay has to be rendered, but neither kustomize nor kubectl is installed.",
    remedy: "Install one of them, set KUSTOMIZE to one, or render elsewhere and pass the result with --file.",
  },
  KUSTOMIZE_FAILED: {
    meaning: "kustomize refused an overlay.",
    remedy:
      "The message quotes it. A missing password file is one that Git ignores: every install of the workspace creates it.",
  },
  CLUSTER_UNREACHABLE: {
    meaning: "The Kubernetes API server did not answer, or the kube context does not exist.",
    remedy: "Look at `kubectl config get-contexts`, and check that `kubectl --context X get ns` works.",
  },
  QUEUE_SERVICE_FAILED: {
    meaning: "SNS or SQS refused a call or did not answer.",
    remedy:
      "The message quotes the service. Check the credentials, their permissions, the region and the address.",
  },
  TRACE_FAILED: {
    meaning: "The traced request got no answer.",
    remedy: "The message says how far it got. Check that the gateway listens at that address.",
  },
} as const satisfies Record<string, ErrorCode>;

export type ErrorCodeName = keyof typeof errorCodes;

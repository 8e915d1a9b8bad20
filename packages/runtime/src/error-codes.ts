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
    meaning: "What had to become ready (a backend, a sidecar, a queue endpoint) did not within its deadline.",
    remedy:
      "The message says what was last seen. Look at the logs of what did not start, or allow it more time.",
  },
  QUEUE_FIFO_UNSUPPORTED: {
    meaning: "The consumer was pointed at a FIFO queue. It handles messages side by side and in any order.",
    remedy: "Use a standard queue.",
  },
  HANDLER_FAILED: {
    meaning: "A message's handler threw an error of its own. The message comes again after a delay.",
    remedy: "The consumer's log has the error's text as `reason`.",
  },
  HANDLER_TIMEOUT: {
    meaning:
      "A message's handler did not end within HANDLER_TIMEOUT_SECONDS. The message comes again after a delay.",
    remedy: "Make the handler obey its AbortSignal, allow it more time, or move long work into a ScaledJob.",
  },
  MESSAGE_REJECTED: {
    meaning:
      "A handler refused a message that can never be handled, because it does not fit its schema for example.",
    remedy: "Look at the message in the dead-letter queue; the consumer's log has the reason.",
  },
  MESSAGE_LEASE_LOST: {
    meaning: "A message in work became visible to other workers, who may do the same work again.",
    remedy: "Look for failed visibility changes in the consumer's log; raise VISIBILITY_SECONDS.",
  },
  WORKER_STOPPING: {
    meaning:
      "The consumer's grace period ended before a handler did. Its message was given back to the queue.",
    remedy:
      "None is needed. If it happens often, raise SHUTDOWN_GRACE_SECONDS and the pod's own grace period.",
  },
  MESSAGE_CORRUPTED: {
    meaning:
      "A received message has no body, or one with a wrong checksum. It was not handled; it comes again after a delay.",
    remedy:
      "The consumer's log names the message. If it lasts, look at what stands between worker and queue, such as a proxy.",
  },
  HANDLER_CRASHED: {
    meaning:
      "The thread that a message's handler ran in ended: it called process.exit, ran out of memory or threw outside its promise.",
    remedy: "The consumer's log has the reason. The message comes again after a delay, in another thread.",
  },
  QUEUE_CALL_TIMEOUT: {
    meaning: "A call to the queue got no answer within its deadline.",
    remedy: "Look at the network between worker and queue. The worker goes on trying.",
  },
  QUEUE_CREDENTIALS_UNAVAILABLE: {
    meaning:
      "The worker has no credentials to call the queue with: none are configured, or the service that gives them refuses or does not answer.",
    remedy:
      "The message says why. Look at the pod's service account and at the token service. The worker goes on trying.",
  },
  QUEUE_ANSWER_INVALID: {
    meaning: "Something answered in the queue's place, or the queue's answer was damaged on its way.",
    remedy: "Look at the address of the queue and at what stands between, such as a proxy.",
  },
  CALLBACK_FAILED: {
    meaning:
      "A job was done, but its result could not be delivered to its callback URL. The job comes again.",
    remedy: "The message says what the URL answered last. Look at the gateway and at the service behind it.",
  },
  FRAME_TOO_LARGE: {
    meaning:
      "A peer on the plugin server's socket announced a message above the size limit. Its connection is closed.",
    remedy: "Look at what else connects to the socket. Kong itself sends less than this.",
  },
  PDK_CALL_FAILED: {
    meaning:
      "Kong did not take or answer a call of its PDK: the event had ended, or the connection had gone.",
    remedy: "None is needed when a client left. Else look at Kong's error log of that moment.",
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
      "The plugin server's log has each fault under instance.refused. No request wakes anything until then.",
  },
  PLUGIN_STOPPED: {
    status: 503,
    meaning: "The plugin server was stopped, and the request did not end within its grace period.",
    remedy: "Try again. If it happens often, raise the grace period above the longest hold.",
  },
  PLUGIN_SERVER_UNAVAILABLE: {
    status: 503,
    meaning: "The plugin server gave no answer, and the backend was not known to be ready.",
    remedy:
      "Look whether the plugin server runs, and whether its KONG_SERVERLESS_HTTP_SOCKET and Kong's name the same path.",
  },
  SHARED_DICT_MISSING: {
    status: 503,
    meaning:
      "Kong has no shared dictionary `kong_serverless`, which the plugin keeps its leases and counts in.",
    remedy: 'Start Kong with KONG_NGINX_HTTP_LUA_SHARED_DICT="kong_serverless 4m".',
  },
  SOCKET_UNAVAILABLE: {
    meaning: "The plugin server's unix socket could not be made.",
    remedy: "The directory must exist and be writable, and its path shorter than 100 bytes or so.",
  },
  SIDECAR_UNAVAILABLE: {
    status: 503,
    meaning: "The Dapr sidecar gave no answer: nothing listens at its address, or the connection broke.",
    remedy:
      "Look whether daprd runs beside the process and whether DAPR_HTTP_ENDPOINT or DAPR_HTTP_PORT names it.",
  },
  PUBLISH_TIMEOUT: {
    status: 503,
    meaning: "The Dapr sidecar did not answer a publish in time. The message may have been sent or not.",
    remedy: "Look at daprd's log: it usually waits for the broker.",
  },
  PUBLISH_REJECTED: {
    status: 503,
    meaning:
      "The Dapr sidecar refuses the message: unknown pub/sub component, topic not allowed, wrong API token.",
    remedy: "The message quotes the sidecar. Compare the component's name, its scopes and the token.",
  },
  PUBLISH_FAILED: {
    status: 503,
    meaning: "The message did not reach the broker.",
    remedy: "The message says why; with a status of 500, daprd's log says what the broker answered.",
  },
  PUBLISH_OVERLOADED: {
    status: 503,
    meaning: "So many publishes wait for the Dapr sidecar that one more was refused. Nothing was sent.",
    remedy: "Try again later. If it lasts, the sidecar or the broker is too slow for the load.",
  },
  HOLD_TIMEOUT: {
    status: 503,
    meaning: "The request was held for a sleeping backend, which did not become ready in time.",
    remedy:
      "Come again after `Retry-After`. If it lasts, look whether the wake message arrives and the pod starts.",
  },
  CHAIN_NOT_READY: {
    status: 503,
    meaning:
      "The request was held for a backend that was ready in time, but another one that it waits for (`waitFor`) was not.",
    remedy:
      "`backend` in the answer names the one that was not. Look whether it is woken and its pod starts, or move it from waitFor to alsoWake.",
  },
  HELD_LIMIT_REACHED: {
    status: 503,
    meaning: "So many requests wait for sleeping backends that one more was refused.",
    remedy: "Come again after `Retry-After`, or raise maxHeldPerBackend or maxHeldTotal.",
  },
  ACTIVATION_LIMIT_REACHED: {
    status: 503,
    meaning: "So many backends are being started that one more was not woken.",
    remedy: "Come again after `Retry-After`, or raise maxActivations.",
  },
  CLIENT_LIMIT_REACHED: {
    status: 429,
    meaning:
      "The client has too many requests that wait for sleeping backends, or has woken too many within a minute.",
    remedy: "Come again after `Retry-After`, or raise maxHeldPerClient or maxColdStartsPerClient.",
  },
  BACKEND_ASLEEP: {
    status: 503,
    meaning: "The backend sleeps, and this request is one of those that do not wake it (`wakeExceptions`).",
    remedy: "Nothing to mend for a health check or a crawler. Otherwise take it out of wakeExceptions.",
  },
  BACKEND_CONFLICT: {
    status: 503,
    meaning: "Two plugin configurations give one backend name different settings.",
    remedy:
      "The message names the fields that differ. Give one of them another `name`, or both the same settings.",
  },
  BACKEND_LIMIT_REACHED: {
    status: 503,
    meaning: "So many backends are configured in this gateway that one more was refused.",
    remedy: "Spread them over several gateways. Names that are no longer used are forgotten after a day.",
  },
  PROBE_TARGET_UNKNOWN: {
    status: 503,
    meaning:
      "Neither an `upstream` nor the route's Kong service says where to probe the backend, or one that it waits for.",
    remedy: "The message says why. Give the backend that it names an `upstream`.",
  },
  GATEWAY_STOPPING: {
    status: 503,
    meaning:
      "The gateway is shutting down: it lets requests for running backends pass but holds no further ones.",
    remedy: "Come again at once: another replica answers.",
  },
  REQUEST_INVALID: {
    status: 400,
    meaning: "A request to the demo backend has a value that is missing or not allowed.",
    remedy: "The message names the value, what was found and what is allowed.",
  },
  JOBS_LIMIT_REACHED: {
    status: 429,
    meaning:
      "A submitter wants to queue more work than its share, so that the workers are there for others too.",
    remedy: "Come again after `Retry-After`, or raise JOBS_WORK_SECONDS of the demo backend.",
  },
  NOT_FOUND: {
    status: 404,
    meaning: "The demo backend has no such route, or the replica that answered knows no such job.",
    remedy: "Jobs live in the memory of one replica: ask again, or look into the consumer's log.",
  },
  INTERRUPTED: {
    meaning: "The command was told to stop before it was done.",
    remedy: "Run it again. What it had done stays done.",
  },
  UNEXPECTED: {
    meaning: "The command failed in a way that it does not know.",
    remedy: "This is a bug: please report it with the lines above.",
  },
  KUSTOMIZE_MISSING: {
    meaning: "An overlay has to be rendered, and neither kustomize nor kubectl is installed.",
    remedy:
      "Install one of them, name one in KUSTOMIZE, or render elsewhere and give the result with --file.",
  },
  KUSTOMIZE_FAILED: {
    meaning: "kustomize refused an overlay.",
    remedy:
      "The message quotes it. A missing file of passwords is one that Git ignores: any install of the workspace makes it.",
  },
  CLUSTER_UNREACHABLE: {
    meaning: "The Kubernetes API server gave no answer, or the kube context does not exist.",
    remedy: "Look at `kubectl config get-contexts` and at whether `kubectl --context X get ns` works.",
  },
  QUEUE_SERVICE_FAILED: {
    meaning: "SNS or SQS refused a call, or gave no answer.",
    remedy:
      "The message quotes the service. Look at the credentials, their permissions, the region and the address.",
  },
  TRACE_FAILED: {
    meaning: "The traced request got no answer.",
    remedy: "The message says how far it came. Look whether the gateway listens at that address.",
  },
} as const satisfies Record<string, ErrorCode>;

export type ErrorCodeName = keyof typeof errorCodes;

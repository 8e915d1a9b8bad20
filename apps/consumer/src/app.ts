import type { ConsumerEnvironment } from "@kong-serverless/config";
import { type ProbeResult, waitUntilReady } from "@kong-serverless/health-poller";
import { type Log, OpsServer, type RunningService, withDeadline } from "@kong-serverless/runtime";
import { createWorker, SqsQueue } from "@kong-serverless/sqs-worker";

import { loadHandler } from "./load-handler.ts";
import { ConsumerMetrics } from "./metrics.ts";
import { createSqsClient } from "./sqs-client.ts";
import { surviveStrayErrors } from "./stray-errors.ts";

/** Starts the consumer. Resolves once its ops port listens; the queue may become reachable at any time later. */
export async function start(settings: ConsumerEnvironment, log: Log): Promise<RunningService> {
  const { REGION, ignoredRegion } = settings;
  if (ignoredRegion !== undefined) log.warn({ region: REGION, ignoredRegion }, "queue.region_taken_from_url");
  const { handler, stop: stopHandler } = await loadHandler(settings);
  const metrics = new ConsumerMetrics();
  const client = createSqsClient(settings);
  const queue = new SqsQueue({
    client,
    queue: settings.queue,
    transport: settings.TRANSPORT,
    log,
    observer: metrics,
  });
  const worker = createWorker({
    queue,
    handler,
    concurrency: settings.CONCURRENCY,
    ...(settings.POLLERS !== undefined && { maxPollers: settings.POLLERS }),
    ...(settings.MAX_MESSAGES > 0 && { maxMessages: settings.MAX_MESSAGES }),
    waitSeconds: settings.WAIT_SECONDS,
    visibilitySeconds: settings.VISIBILITY_SECONDS,
    handlerTimeoutMs: settings.HANDLER_TIMEOUT_SECONDS * 1000,
    retryDelayMs: settings.RETRY_SECONDS * 1000,
    maxRetryDelayMs: settings.MAX_RETRY_SECONDS * 1000,
    log,
    logContent: settings.LOG_CONTENT !== "none",
    observer: metrics,
  });
  metrics.watch(worker);
  surviveStrayErrors(worker, log, () => metrics.errorEscaped());
  const stopping = new AbortController();
  let isWaiting = true;
  const ops = new OpsServer({
    host: settings.OPS_HOST,
    port: settings.OPS_PORT,
    registry: metrics.registry,
    notAlive: () => worker.notAlive(),
    notReady: () => (isWaiting ? ["queue: its endpoint does not answer yet"] : worker.notReady()),
  });
  log.info({ port: await ops.start() }, "ops.listening");
  const starting = waitForEndpoint(queue, settings, log, stopping.signal).finally(() => {
    isWaiting = false;
    if (stopping.signal.aborted) return;
    // A worker that is done with MAX_MESSAGES shuts down the same way as one that is told to.
    void worker.start().then(() => stopping.signal.aborted || process.kill(process.pid, "SIGTERM"));
  });
  return {
    async stop() {
      stopping.abort(new Error("the consumer is stopping"));
      await starting;
      await worker.stop({ graceMs: settings.SHUTDOWN_GRACE_SECONDS * 1000 });
      await stopHandler();
      await ops.stop();
      client.destroy();
    },
  };
}

/** Waits for any answer from the queue's endpoint. After the deadline it logs that there was none; the worker keeps trying. */
async function waitForEndpoint(
  queue: SqsQueue,
  settings: ConsumerEnvironment,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const url = (await queue.endpoint()).href;
  try {
    const { waitedMs } = await waitUntilReady({
      probe: (attempt) => probeEndpoint(queue, attempt),
      intervalMs: 250,
      deadlineMs: settings.QUEUE_WAIT_SECONDS * 1000,
      signal,
    });
    log.info({ url, waitedMs: Math.round(waitedMs) }, "queue.endpoint_answered");
  } catch (error) {
    if (!signal.aborted) log.warn({ url, reason: String(error) }, "queue.endpoint_silent");
  }
}

/** Any answer will do, and without a signature it is always a refusal. */
async function probeEndpoint(queue: SqsQueue, signal: AbortSignal): Promise<ProbeResult> {
  const startedAt = performance.now();
  using deadline = withDeadline(2000, () => new Error("no answer within 2000 ms"), signal);
  try {
    const status = await queue.probe(deadline.signal);
    return { isReady: true, status, durationMs: performance.now() - startedAt };
  } catch (error) {
    return { isReady: false, error: String(error), durationMs: performance.now() - startedAt };
  }
}

import { SQSClient } from "@aws-sdk/client-sqs";
import type { ConsumerEnvironment } from "@kong-serverless/config";
import { probe, waitUntilReady } from "@kong-serverless/health-poller";
import { type Log, OpsServer, type RunningService } from "@kong-serverless/runtime";
import { createWorker, SqsQueue } from "@kong-serverless/sqs-worker";

import { loadHandler } from "./load-handler.ts";
import { ConsumerMetrics } from "./metrics.ts";

/** Starts the consumer. Resolves once its ops port listens; the queue may become reachable at any time later. */
export async function startConsumer(settings: ConsumerEnvironment, log: Log): Promise<RunningService> {
  const handler = await loadHandler(settings);
  const metrics = new ConsumerMetrics();
  const client = createClient(settings);
  const worker = createWorker({
    queue: new SqsQueue({ client, queue: settings.queue }),
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
    observer: metrics,
  });
  metrics.watch(worker);
  const stopping = new AbortController();
  let isWaiting = true;
  const ops = new OpsServer({
    host: settings.OPS_HOST,
    port: settings.OPS_PORT,
    registry: metrics.registry,
    notReady: () => (isWaiting ? ["queue: its endpoint does not answer yet"] : worker.notReady()),
  });
  log.info({ port: await ops.start() }, "ops.listening");
  const starting = waitForEndpoint(settings, log, stopping.signal).finally(() => {
    isWaiting = false;
    if (stopping.signal.aborted) return;
    // A worker that has done its share leaves by the same door as one that is told to.
    void worker.start().then(() => stopping.signal.aborted || process.kill(process.pid, "SIGTERM"));
  });
  return {
    async stop() {
      stopping.abort(new Error("the consumer stops"));
      await starting;
      await worker.stop({ graceMs: settings.SHUTDOWN_GRACE_SECONDS * 1000 });
      await ops.stop();
      client.destroy();
    },
  };
}

function createClient({ AWS_ENDPOINT_URL, REGION, CONCURRENCY }: ConsumerEnvironment): SQSClient {
  // Pollers, deletes and visibility changes each have calls of their own under way; none should queue for a socket.
  const agent = { keepAlive: true, maxSockets: 64 + Math.ceil(CONCURRENCY / 10) };
  return new SQSClient({
    region: REGION,
    ...(AWS_ENDPOINT_URL !== undefined && { endpoint: AWS_ENDPOINT_URL }),
    requestHandler: { connectionTimeout: 3000, httpAgent: agent, httpsAgent: agent },
  });
}

/** Waits for any answer from the queue's endpoint. At the deadline it says so and leaves the rest to the worker's own backoff. */
async function waitForEndpoint(settings: ConsumerEnvironment, log: Log, signal: AbortSignal): Promise<void> {
  const url = endpointOf(settings);
  try {
    const { waitedMs } = await waitUntilReady({
      // Without a signature every answer is a refusal; that there is one is all that is asked.
      probe: (attempt) => probe({ url, timeoutMs: 2000, statuses: { min: 100, max: 599 } }, attempt),
      intervalMs: 250,
      deadlineMs: settings.QUEUE_WAIT_SECONDS * 1000,
      signal,
    });
    log.info({ url, waitedMs: Math.round(waitedMs) }, "queue.endpoint_answered");
  } catch (error) {
    if (!signal.aborted) log.warn({ url, reason: String(error) }, "queue.endpoint_silent");
  }
}

function endpointOf({ AWS_ENDPOINT_URL, queue, REGION }: ConsumerEnvironment): string {
  if (AWS_ENDPOINT_URL !== undefined) return AWS_ENDPOINT_URL;
  return "url" in queue ? new URL(queue.url).origin : `https://sqs.${REGION}.amazonaws.com`;
}

import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";

import { SQSClient } from "@aws-sdk/client-sqs";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import type { ConsumerEnvironment } from "@kong-serverless/config";

/** For each of two attempts to get credentials, in ms. Together they take less time than the worker waits for them. */
const credentialsTimeoutMs = 3000;

/**
 * The client for the queue. Its connections, and those to STS, go through HTTP(S)_PROXY except for hosts in NO_PROXY. The clients
 * that fetch credentials have their own time limits: the SDK sets none, and a call's signal does not reach them.
 */
export function createSqsClient({ AWS_ENDPOINT_URL, REGION, CONCURRENCY }: ConsumerEnvironment): SQSClient {
  // Receives, deletes and visibility changes run concurrently; none should have to wait for a socket.
  const options = {
    keepAlive: true,
    maxSockets: 64 + Math.ceil(CONCURRENCY / 10),
    proxyEnv: process.env,
  };
  const agents = { httpAgent: new HttpAgent(options), httpsAgent: new HttpsAgent(options) };
  return new SQSClient({
    region: REGION,
    ...(AWS_ENDPOINT_URL !== undefined && { endpoint: AWS_ENDPOINT_URL }),
    requestHandler: { connectionTimeout: 3000, ...agents },
    credentials: defaultProvider({
      timeout: credentialsTimeoutMs,
      maxRetries: 1,
      clientConfig: {
        region: REGION,
        maxAttempts: 2,
        requestHandler: {
          connectionTimeout: credentialsTimeoutMs,
          requestTimeout: credentialsTimeoutMs,
          throwOnRequestTimeout: true,
          ...agents,
        },
      },
    }),
  });
}

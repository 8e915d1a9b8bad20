import type { SQSClient } from "@aws-sdk/client-sqs";

/**
 * Where calls about a queue go: to the client's own endpoint if it was given one, else to the host in the queue's URL. Paths and
 * trailing slashes in the URL do not matter, since SQS's JSON protocol has one path.
 */
export async function originOf(client: SQSClient, queueUrl: string | undefined): Promise<URL> {
  const { config } = client;
  if (queueUrl !== undefined && config.endpoint === undefined && config.useQueueUrlAsEndpoint) {
    return new URL(new URL(queueUrl).origin);
  }
  return serviceEndpoint(client);
}

/** The client's endpoint: as it was configured, else that of its region, in whatever partition that is. */
export async function serviceEndpoint(client: SQSClient): Promise<URL> {
  const { config } = client;
  if (config.endpoint !== undefined) {
    const { protocol, hostname, port } = await config.endpoint();
    return new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`);
  }
  const configured = await config.serviceConfiguredEndpoint?.();
  if (configured !== undefined) return new URL(new URL(configured).origin);
  const { url } = config.endpointProvider({
    Region: await config.region(),
    UseDualStack: await config.useDualstackEndpoint(),
    UseFIPS: await config.useFipsEndpoint(),
  });
  return url;
}

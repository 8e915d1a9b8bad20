import { describe, expect, test } from "vitest";

import { readConsumerEnvironment } from "./consumer-environment.ts";
import { ConfigError } from "./parse.ts";

const named = { QUEUE_NAME: "jobs", REGION: "eu-west-1" };

function issuesOf(environment: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConsumerEnvironment(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
  return [];
}

describe("the consumer's environment", () => {
  test("finds a queue by account, region and name, as the original sample has them", () => {
    expect(readConsumerEnvironment({ ...named, ACCOUNT_ID: "123456789012" })).toMatchObject({
      queue: { name: "jobs", accountId: "123456789012" },
      REGION: "eu-west-1",
    });
  });

  test("leaves a queue without an account to be asked for by its name", () => {
    expect(readConsumerEnvironment(named).queue).toEqual({ name: "jobs" });
  });

  test("takes the region from the queue's URL, else REGION, else AWS_REGION, and says what it ignores", () => {
    const QUEUE_URL = "https://sqs.us-gov-west-1.amazonaws.com/123456789012/jobs";
    expect(readConsumerEnvironment({ QUEUE_URL })).not.toHaveProperty("ignoredRegion");
    expect(readConsumerEnvironment({ QUEUE_URL }).REGION).toBe("us-gov-west-1");
    expect(readConsumerEnvironment({ QUEUE_URL, AWS_REGION: "eu-west-1" })).toMatchObject({
      REGION: "us-gov-west-1",
      ignoredRegion: "eu-west-1",
    });
    const local = { QUEUE_URL: "http://localhost:9324/queue/jobs", AWS_REGION: "eu-west-1" };
    expect(readConsumerEnvironment(local)).toMatchObject({ REGION: "eu-west-1" });
    expect(readConsumerEnvironment({ ...local, REGION: "eu-west-2" }).REGION).toBe("eu-west-2");
  });

  test.each([
    ["AWS", "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs", "eu-west-1"],
    ["a trailing slash", "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs/", "eu-west-1"],
    ["China", "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs", "cn-north-1"],
    ["an isolated partition", "https://sqs.us-iso-east-1.c2s.ic.gov/123456789012/jobs", "us-iso-east-1"],
    ["the European partition", "https://sqs.eusc-de-east-1.amazonaws.eu/123456789012/jobs", "eusc-de-east-1"],
    ["FIPS", "https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/jobs", "us-gov-west-1"],
    ["dual-stack", "https://sqs.eu-west-1.api.aws/123456789012/jobs", "eu-west-1"],
    ["the legacy host", "https://eu-west-1.queue.amazonaws.com/123456789012/jobs", "eu-west-1"],
    ["the first legacy host", "https://queue.amazonaws.com/123456789012/jobs", "us-east-1"],
    [
      "a VPC endpoint",
      "https://vpce-0a1b2c3d-x5y6z7.sqs.eu-west-1.vpce.amazonaws.com/123456789012/jobs",
      "eu-west-1",
    ],
    ["LocalStack", "http://sqs.eu-west-1.localhost.localstack.cloud:4566/000000000000/jobs", "eu-west-1"],
    ["LocalStack by path", "http://localhost:4566/queue/eu-west-1/000000000000/jobs", "us-west-2"],
    ["LocalStack by its old path", "http://localhost:4566/000000000000/jobs", "us-west-2"],
    ["ElasticMQ", "http://localhost:9324/queue/jobs", "us-west-2"],
    ["ElasticMQ with an account", "http://elasticmq:9324/000000000000/jobs/", "us-west-2"],
  ])("accepts a queue's URL of %s", (_, QUEUE_URL, REGION) => {
    const { queue, ...settings } = readConsumerEnvironment({ QUEUE_URL, AWS_REGION: "us-west-2" });
    expect(queue).toEqual({ url: QUEUE_URL.replace(/\/$/, "") });
    expect(settings.REGION).toBe(REGION);
  });

  test("reads the hosts that results may go to", () => {
    const environment = { ...named, HANDLER: "jobs", CALLBACK_HOSTS: "Gateway.kong.svc, 127.0.0.1:8000" };
    expect(readConsumerEnvironment(environment).CALLBACK_HOSTS).toEqual([
      "gateway.kong.svc",
      "127.0.0.1:8000",
    ]);
  });

  test.each([
    ["no queue", {}, "QUEUE_NAME: missing (set QUEUE_URL, or QUEUE_NAME and REGION)"],
    ["an empty queue name", { QUEUE_NAME: "" }, "QUEUE_NAME: missing"],
    ["no region", { QUEUE_NAME: "jobs" }, "REGION: missing"],
    ["a FIFO queue", { ...named, QUEUE_NAME: "jobs.fifo" }, 'QUEUE_NAME: found "jobs.fifo"; a FIFO queue'],
    ["a short account", { ...named, ACCOUNT_ID: "1234" }, 'ACCOUNT_ID: found "1234"; expected 12 digits'],
    [
      "a URL that is none of a queue",
      { ...named, QUEUE_URL: "https://example.com/jobs" },
      "QUEUE_URL: found",
    ],
    [
      "a number with a unit",
      { ...named, CONCURRENCY: "10x" },
      'CONCURRENCY: found "10x"; expected a whole number',
    ],
    ["too many handlers", { ...named, CONCURRENCY: "1001" }, "CONCURRENCY: found"],
    [
      "a FIFO queue by its URL",
      { ...named, QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs.fifo/" },
      "a FIFO queue",
    ],
    [
      "threads for a built-in handler",
      { ...named, HANDLER_ISOLATION: "thread" },
      'HANDLER_ISOLATION: found "thread"; `thread` is for handlers that are modules',
    ],
    ["jobs without hosts", { ...named, HANDLER: "jobs" }, "CALLBACK_HOSTS: missing"],
    [
      "a grace period shorter than a long poll",
      { ...named, SHUTDOWN_GRACE_SECONDS: "20" },
      'SHUTDOWN_GRACE_SECONDS: found "20"; must be above WAIT_SECONDS (20)',
    ],
  ])("refuses %s by its name", (_, environment, issue) => {
    expect(issuesOf(environment)).toEqual([expect.stringContaining(issue)]);
  });
});

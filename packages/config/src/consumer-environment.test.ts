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
  test("composes the queue's URL from account, region and name, as the original sample has them", () => {
    expect(readConsumerEnvironment({ ...named, ACCOUNT_ID: "123456789012" }).queue).toEqual({
      url: "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
    });
    expect(
      readConsumerEnvironment({ QUEUE_NAME: "jobs", REGION: "cn-north-1", ACCOUNT_ID: "123456789012" }).queue,
    ).toEqual({ url: "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs" });
  });

  test("composes it at another endpoint", () => {
    const environment = { ...named, ACCOUNT_ID: "000000000000", AWS_ENDPOINT_URL: "http://127.0.0.1:4566/" };
    expect(readConsumerEnvironment(environment).queue).toEqual({
      url: "http://127.0.0.1:4566/000000000000/jobs",
    });
  });

  test("leaves a queue without an account to be asked for by its name", () => {
    expect(readConsumerEnvironment(named).queue).toEqual({ name: "jobs" });
  });

  test("takes the region from REGION, else AWS_REGION, else the queue's URL", () => {
    const QUEUE_URL = "https://sqs.us-gov-west-1.amazonaws.com/123456789012/jobs";
    expect(readConsumerEnvironment({ QUEUE_URL }).REGION).toBe("us-gov-west-1");
    expect(readConsumerEnvironment({ QUEUE_URL, AWS_REGION: "eu-west-1" }).REGION).toBe("eu-west-1");
    expect(readConsumerEnvironment({ QUEUE_URL, AWS_REGION: "eu-west-1", REGION: "eu-west-2" }).REGION).toBe(
      "eu-west-2",
    );
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
    ["jobs without hosts", { ...named, HANDLER: "jobs" }, "CALLBACK_HOSTS: missing"],
    [
      "a grace period shorter than a long poll",
      { ...named, SHUTDOWN_GRACE_SECONDS: "5" },
      'SHUTDOWN_GRACE_SECONDS: found "5"; must be above WAIT_SECONDS (5)',
    ],
  ])("refuses %s by its name", (_, environment, issue) => {
    expect(issuesOf(environment)).toEqual([expect.stringContaining(issue)]);
  });
});

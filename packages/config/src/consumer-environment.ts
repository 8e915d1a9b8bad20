import { z } from "zod";

import { logLevelField, wholeNumber } from "./environment-fields.ts";
import { readEnvironment } from "./environment.ts";

/**
 * The last part is the queue's name. Before it AWS has the account, ElasticMQ `queue` or the account, LocalStack `queue/REGION/ACCOUNT`
 * or the account.
 */
const queueUrlForm = /^https?:\/\/[^/?#]+(\/[\w.-]+)+\/[\w-]{1,80}(\.fifo)?\/*$/;
const awsRegion = z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-\d+$/, "expected a region such as eu-central-1");

export const consumerEnvironmentSchema = z
  .object({
    QUEUE_URL: z
      .string()
      .regex(queueUrlForm, "expected https://HOST/ACCOUNT/NAME, as AWS, LocalStack or ElasticMQ has it")
      .transform((url) => url.replace(/\/+$/, ""))
      .optional()
      .describe(
        "URL of the queue. It takes precedence over QUEUE_NAME and, if its AWS host name contains a region, over REGION and AWS_REGION.",
      ),
    QUEUE_NAME: z
      .string()
      .regex(/^[\w-]{1,80}(\.fifo)?$/, "expected 1 to 80 letters, digits, hyphens and underscores")
      .optional()
      .describe("Name of the queue, in REGION and ACCOUNT_ID."),
    ACCOUNT_ID: z
      .string()
      .regex(/^\d{12}$/, "expected 12 digits")
      .optional()
      .describe(
        "AWS account that owns QUEUE_NAME. With it, the queue's URL is built for the region's partition; without it, the queue service is asked for the URL in the caller's account.",
      ),
    REGION: awsRegion
      .optional()
      .describe(
        "AWS region of the queue. Default: AWS_REGION. A region in QUEUE_URL's host name takes precedence over both.",
      ),
    AWS_REGION: awsRegion
      .optional()
      .describe("AWS region, as the AWS tools read it; REGION takes precedence."),
    AWS_ENDPOINT_URL: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("Address of a queue service other than AWS, for development and tests."),
    TRANSPORT: z
      .enum(["lean", "sdk"])
      .default("lean")
      .describe(
        "How calls to the queue are made: `lean` signs and sends them itself, for a fraction of the CPU time; `sdk` leaves it to the AWS SDK.",
      ),
    HANDLER: z
      .string()
      .default("log")
      .describe(
        "What to do with messages: `log` prints them, `jobs` does the demo's jobs, and a path (./x.js, /x.ts) loads a module that exports `handler`.",
      ),
    HANDLER_ISOLATION: z
      .enum(["none", "thread"])
      .default("none")
      .describe(
        "`thread` runs each handler of a module in a worker thread: one that blocks, runs out of memory or exits affects only its own message. A thread takes about 10 MB.",
      ),
    CALLBACK_HOSTS: z
      .string()
      .regex(/^[\w.-]+(:\d+)?(\s*,\s*[\w.-]+(:\d+)?)*$/, "expected host or host:port, separated by commas")
      .transform((hosts) => hosts.toLowerCase().split(/\s*,\s*/))
      .optional()
      .describe(
        "Hosts that `jobs` may post results to: host (any port) or host:port, separated by commas. Required by HANDLER=jobs, since jobs come from outside.",
      ),
    CALLBACK_TIMEOUT_SECONDS: wholeNumber(1, 600)
      .default(75)
      .describe(
        "Seconds for one attempt to post a result. Keep it above the gateway's hold time limit (60), since the receiver may be asleep.",
      ),
    CONCURRENCY: wholeNumber(1, 1000)
      .default(10)
      .describe(
        "Messages handled at once. 10 is what one receive call returns, and right for work of a second or more.",
      ),
    MAX_MESSAGES: wholeNumber(0, 1_000_000)
      .default(0)
      .describe(
        "Exit after this many messages, or earlier when the queue is empty: for a KEDA ScaledJob. 0: run until stopped, for a Deployment.",
      ),
    POLLERS: wholeNumber(1, 64)
      .optional()
      .describe(
        "Maximum number of concurrent receive calls. Default: one for each 10 of CONCURRENCY, at most 16.",
      ),
    WAIT_SECONDS: wholeNumber(1, 20)
      .default(20)
      .describe(
        "Seconds that a receive call waits at an empty queue once the worker has been idle for a minute; before that, at most 5. A worker may take this long to stop: aborting a call could strand messages.",
      ),
    VISIBILITY_SECONDS: wholeNumber(2, 3600)
      .default(60)
      .describe(
        "Seconds for which a received message is hidden from other workers; extended while its handler runs. A killed worker's messages stay hidden for this long.",
      ),
    HANDLER_TIMEOUT_SECONDS: wholeNumber(1, 39_600)
      .default(300)
      .describe(
        "Seconds that one message may take. At most 11 hours: SQS hides a message for no more than 12.",
      ),
    RETRY_SECONDS: wholeNumber(0, 900)
      .default(1)
      .describe(
        "Seconds before a failed message's first retry, doubled with each receive. 0: always at once.",
      ),
    MAX_RETRY_SECONDS: wholeNumber(0, 39_600)
      .default(300)
      .describe("The longest delay before a retry, in seconds."),
    SHUTDOWN_GRACE_SECONDS: wholeNumber(1, 39_600)
      .default(25)
      .describe(
        "Maximum seconds from SIGTERM to the exit; the last 3 are for returning unfinished messages. Keep it below the pod's terminationGracePeriodSeconds (30).",
      ),
    QUEUE_WAIT_SECONDS: wholeNumber(1, 600)
      .default(30)
      .describe(
        "Seconds to wait for an answer from the queue's endpoint at the start before reporting that there is none. The worker keeps trying after that.",
      ),
    OPS_HOST: z.string().default("0.0.0.0").describe("Address that health, readiness and metrics listen on."),
    OPS_PORT: wholeNumber(0, 65_535)
      .default(8080)
      .describe("Port of that address. 0: any free one, named in the log."),
    LOG_LEVEL: logLevelField,
    LOG_CONTENT: z
      .enum(["short", "none"])
      .default("short")
      .describe(
        "How much of a message log lines may quote: `short`, at most a kilobyte; `none`, nothing, for messages with secrets.",
      ),
  })
  .superRefine((settings, context) => {
    const issue = (name: string, message: string) =>
      context.addIssue({ code: "custom", path: [name], message });
    const name = settings.QUEUE_URL === undefined ? "QUEUE_NAME" : "QUEUE_URL";
    if (settings[name] === undefined) issue(name, "set QUEUE_URL, or QUEUE_NAME and REGION");
    else if (settings[name].endsWith(".fifo")) {
      issue(name, "a FIFO queue; messages are handled concurrently and in any order: use a standard queue");
    } else if (regionOf(settings) === undefined) {
      issue("REGION", "the queue's region is not known: set REGION or AWS_REGION");
    }
    if (settings.HANDLER === "jobs" && settings.CALLBACK_HOSTS === undefined) {
      issue("CALLBACK_HOSTS", "HANDLER=jobs posts results and needs to know which hosts it may post to");
    }
    if (settings.HANDLER_ISOLATION === "thread" && ["log", "jobs"].includes(settings.HANDLER)) {
      issue("HANDLER_ISOLATION", "`thread` is for handlers that are modules; the built-in ones need none");
    }
    if (settings.SHUTDOWN_GRACE_SECONDS <= settings.WAIT_SECONDS) {
      issue(
        "SHUTDOWN_GRACE_SECONDS",
        `must be above WAIT_SECONDS (${settings.WAIT_SECONDS}), or a stop aborts receive calls`,
      );
    }
  });

type Settings = z.output<typeof consumerEnvironmentSchema>;

/** The consumer's settings under the names of their environment variables, with region and queue worked out. */
export type ConsumerEnvironment = Settings & {
  readonly REGION: string;
  /** The queue's URL if known, else its name, and perhaps its account, for looking it up. */
  readonly queue: { readonly url: string } | { readonly name: string; readonly accountId?: string };
  /** The region that was set but is not the one in the queue's URL, which wins. */
  readonly ignoredRegion?: string;
};

/** Reads the consumer's settings. Throws a ConfigError that names each variable at fault. */
export function readConsumerEnvironment(environment?: NodeJS.ProcessEnv): ConsumerEnvironment {
  const settings = readEnvironment(consumerEnvironmentSchema, environment);
  const { QUEUE_URL, QUEUE_NAME = "", ACCOUNT_ID } = settings;
  // The schema has made sure that there is one, which its type cannot say.
  const REGION = regionOf(settings) ?? "";
  const ignoredRegion = settings.REGION ?? settings.AWS_REGION;
  const named = { name: QUEUE_NAME, ...(ACCOUNT_ID !== undefined && { accountId: ACCOUNT_ID }) };
  return {
    ...settings,
    REGION,
    queue: QUEUE_URL === undefined ? named : { url: QUEUE_URL },
    ...(ignoredRegion !== undefined && ignoredRegion !== REGION && { ignoredRegion }),
  };
}

function regionOf({ REGION, AWS_REGION, QUEUE_URL }: Settings): string | undefined {
  return regionOfQueueUrl(QUEUE_URL) ?? REGION ?? AWS_REGION;
}

const region = "([a-z]{2,4}(?:-[a-z]+)+-\\d+)";
/** Host names that AWS gives queues, in every partition, and LocalStack after it. */
const hostForms = [
  // With FIPS, dual-stack, and behind a VPC endpoint.
  new RegExp(`^(?:vpce-[\\w-]+\\.)?sqs(?:-fips)?\\.${region}\\.`),
  // The oldest form; without a region it means the first one.
  new RegExp(`^${region}\\.queue\\.amazonaws\\.com(?:\\.cn)?$`),
];

function regionOfQueueUrl(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  if (hostname === "queue.amazonaws.com") return "us-east-1";
  for (const form of hostForms) {
    const [, found] = form.exec(hostname) ?? [];
    if (found !== undefined) return found;
  }
  return undefined;
}

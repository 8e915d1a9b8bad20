/** Consumes MESSAGES with one variant and logs what that cost: `measure.ts VARIANT HANDLER_MS MESSAGES QUEUE_URL`. */
import { SQSClient } from "@aws-sdk/client-sqs";
import { createLog, sleep } from "@kong-serverless/runtime";

import { type ConsumerVariantName, consumerVariants } from "./variants.ts";

const [name, handlerMsText, messagesText, url = ""] = process.argv.slice(2);
const handlerMs = Number(handlerMsText);
const messages = Number(messagesText);
/** Not measured: code is still being compiled and pollers are still ramping up. */
const warmUp = Math.floor(messages / 5);

const log = createLog("measure");
const client = new SQSClient({ requestHandler: { httpAgent: { maxSockets: 100 } } });
let handled = 0;
let startedAt = 0;
let cpuBefore = process.cpuUsage();

consumerVariants[name as ConsumerVariantName].start({
  client,
  url,
  async handle() {
    if (handlerMs > 0) await sleep(handlerMs);
    handled += 1;
    if (handled === warmUp) {
      startedAt = performance.now();
      cpuBefore = process.cpuUsage();
    }
    if (handled === messages) report();
  },
});

function report(): void {
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  log.info(
    {
      messagesPerSecond: (messages - warmUp) / seconds,
      cpuSeconds: (user + system) / 1e6,
      rssMiB: process.resourceUsage().maxRSS / 1024,
    },
    "measured",
  );
}

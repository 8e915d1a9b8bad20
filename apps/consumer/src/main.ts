import { readConsumerEnvironment } from "@kong-serverless/config";
import { createLog, runService } from "@kong-serverless/runtime";

import { startConsumer } from "./app.ts";

await runService(createLog("consumer"), () => {
  const settings = readConsumerEnvironment();
  return startConsumer(settings, createLog("consumer", settings.LOG_LEVEL));
});

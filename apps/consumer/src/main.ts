import { readConsumerEnvironment } from "@kong-serverless/config";
import { createLog, runService } from "@kong-serverless/runtime";

import { start } from "./app.ts";

await runService(createLog("consumer"), () => {
  const settings = readConsumerEnvironment();
  return start(settings, createLog("consumer", settings.LOG_LEVEL));
});

import { readDemoBackendEnvironment } from "@kong-serverless/config";
import { createLog, runService } from "@kong-serverless/runtime";

import { start } from "./app.ts";

await runService(createLog("demo-backend"), () => {
  const settings = readDemoBackendEnvironment();
  return start(settings, createLog("demo-backend", settings.LOG_LEVEL));
});

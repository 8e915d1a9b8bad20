import { readDemoBackendEnvironment } from "@kong-serverless/config";
import { DaprPublisher } from "@kong-serverless/dapr-publisher";
import { createLog, runService } from "@kong-serverless/runtime";

import { DemoBackend } from "./app.ts";

await runService(createLog("demo-backend"), async () => {
  const settings = readDemoBackendEnvironment();
  const log = createLog("demo-backend", settings.LOG_LEVEL);
  const publisher = new DaprPublisher({
    endpoint: settings.daprEndpoint,
    timeoutMs: settings.PUBLISH_TIMEOUT_MS,
    log,
    ...(settings.DAPR_API_TOKEN !== undefined && { apiToken: settings.DAPR_API_TOKEN }),
  });
  const backend = new DemoBackend({ settings, publisher, log });
  await backend.start();
  return backend;
});

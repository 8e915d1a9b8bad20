import { parseArgs } from "node:util";

import { readKongPluginEnvironment } from "@kong-serverless/config";
import { dump } from "@kong-serverless/plugin-server";
import { createLog, runService } from "@kong-serverless/runtime";

import { App } from "./app.ts";

const { values } = parseArgs({ options: { dump: { type: "boolean", default: false } } });

await runService(createLog("kong-plugin"), async () => {
  const environment = readKongPluginEnvironment();
  const log = createLog("kong-plugin", environment.LOG_LEVEL);
  const app = new App(environment, log);
  if (values.dump) {
    process.stdout.write(`${JSON.stringify(dump(app.plugin, environment.KONG_SERVERLESS_SOCKET))}\n`);
    process.exit(0);
  }
  // Every route of the gateway depends on this process: a fault that nobody foresaw is reported, and costs one request.
  process.on("unhandledRejection", (error) => log.error({ error }, "process.unhandled_rejection"));
  process.on("uncaughtException", (error) => log.error({ error }, "process.uncaught_exception"));
  return app.start();
});

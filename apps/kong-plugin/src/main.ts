import { parseArgs } from "node:util";

import { readKongPluginEnvironment } from "@kong-serverless/config";
import { dump } from "@kong-serverless/plugin-server";
import { createLog, runService } from "@kong-serverless/runtime";

import { createPluginModule, start } from "./app.ts";

const { values } = parseArgs({ options: { dump: { type: "boolean", default: false } } });

await runService(createLog("kong-plugin"), async () => {
  const environment = readKongPluginEnvironment();
  const log = createLog("kong-plugin", environment.LOG_LEVEL);
  if (values.dump) {
    const plugin = createPluginModule(environment, log);
    process.stdout.write(`${JSON.stringify(dump(plugin, environment.KONG_SERVERLESS_SOCKET))}\n`);
    process.exit(0);
  }
  // Every route of the gateway depends on this process: an unforeseen fault is logged, and costs one request at most.
  process.on("unhandledRejection", (error) => log.error({ error }, "process.unhandled_rejection"));
  process.on("uncaughtException", (error) => log.error({ error }, "process.uncaught_exception"));
  return start(environment, log);
});

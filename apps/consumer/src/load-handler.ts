import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { ConfigError, type ConsumerEnvironment } from "@kong-serverless/config";
import type { Handler } from "@kong-serverless/sqs-worker";

import { createJobsHandler } from "./handlers/jobs.ts";
import { logHandler } from "./handlers/log.ts";

/** The handler that HANDLER names: a built-in one, or the export `handler` of a module. Throws a ConfigError. */
export async function loadHandler(settings: ConsumerEnvironment): Promise<Handler> {
  switch (settings.HANDLER) {
    case "log":
      return logHandler;
    case "jobs":
      return createJobsHandler({
        callbackHosts: settings.CALLBACK_HOSTS ?? [],
        timeoutMs: settings.CALLBACK_TIMEOUT_SECONDS * 1000,
      });
    default:
      return importHandler(settings.HANDLER);
  }
}

async function importHandler(path: string): Promise<Handler> {
  const fault = (reason: string) =>
    new ConfigError("The environment", [`HANDLER: found ${JSON.stringify(path)}; ${reason}`]);
  if (!/\.m?[jt]s$/.test(path)) throw fault("expected log, jobs, or the path of a .js or .ts module");
  let module: { handler?: unknown };
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as { handler?: unknown };
  } catch (error) {
    throw fault(`the module cannot be loaded: ${String(error)}`);
  }
  if (typeof module.handler !== "function")
    throw fault("the module does not export a function named `handler`");
  return module.handler as Handler;
}

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { ConfigError, type ConsumerEnvironment } from "@kong-serverless/config";
import { type Handler, ThreadHandler } from "@kong-serverless/sqs-worker";

import { createJobsHandler } from "./handlers/jobs.ts";
import { createLogHandler } from "./handlers/log.ts";

export interface LoadedHandler {
  readonly handler: Handler;
  /** Stops whatever the handler runs in. */
  readonly stop: () => Promise<void>;
}

const nothingToStop = () => Promise.resolve();

/** The handler that HANDLER names: a built-in one, or a module's export `handler`. Throws a ConfigError. */
export async function loadHandler(settings: ConsumerEnvironment): Promise<LoadedHandler> {
  switch (settings.HANDLER) {
    case "log":
      return {
        handler: createLogHandler({ hasContent: settings.LOG_CONTENT !== "none" }),
        stop: nothingToStop,
      };
    case "jobs":
      return {
        handler: createJobsHandler({
          callbackHosts: settings.CALLBACK_HOSTS ?? [],
          timeoutMs: settings.CALLBACK_TIMEOUT_SECONDS * 1000,
          maxDurationMs: settings.HANDLER_TIMEOUT_SECONDS * 1000,
        }),
        stop: nothingToStop,
      };
    default: {
      const handler = await importHandler(settings.HANDLER);
      return settings.HANDLER_ISOLATION === "thread"
        ? inThreads(settings.HANDLER)
        : { handler, stop: nothingToStop };
    }
  }
}

function inThreads(path: string): LoadedHandler {
  const file = import.meta.url.endsWith(".ts") ? "handler-thread.ts" : "handler-thread.js";
  const threads = new ThreadHandler({
    module: pathToFileURL(resolve(path)).href,
    entry: new URL(file, import.meta.url),
  });
  return { handler: threads.handler, stop: () => threads[Symbol.asyncDispose]() };
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

import { scalersOf, title, variablePlace } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const callbackTimeoutTooShort: Rule = {
  code: "CALLBACK_TIMEOUT_TOO_SHORT",
  topic: "numbers",
  severity: "error",
  why: "The consumer gives up on a callback that the gateway still holds for the sleeping receiver.",
  fix: "Keep CALLBACK_TIMEOUT_SECONDS above the backend's hold time limit.",
  *check(system) {
    for (const { workload } of system.apps.demoBackends) {
      for (const backend of system.backends) {
        const { holdTimeoutMs } = backend.settings;
        const isReceiver = [...scalersOf(system, backend)].some(
          ({ target }) => target?.manifest === workload.manifest,
        );
        if (!isReceiver) continue;
        for (const app of system.apps.consumers) {
          const { CALLBACK_TIMEOUT_SECONDS: seconds, HANDLER: handler } = app.settings ?? {};
          if (handler !== "jobs" || seconds === undefined || seconds * 1000 > holdTimeoutMs) continue;
          const what = `${title(app.workload.manifest)} waits ${seconds} s for a callback that the gateway may hold for ${holdTimeoutMs} ms`;
          yield fault(variablePlace(app, "CALLBACK_TIMEOUT_SECONDS"), what);
        }
      }
    }
  },
};

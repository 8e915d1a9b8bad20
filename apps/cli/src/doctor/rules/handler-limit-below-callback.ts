import { title, variablePlace } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const handlerLimitBelowCallback: Rule = {
  code: "HANDLER_LIMIT_BELOW_CALLBACK",
  topic: "numbers",
  severity: "error",
  why: "The handler is cut off while it waits for the receiver of its result to wake: finished jobs are delivered again.",
  fix: "Keep HANDLER_TIMEOUT_SECONDS above CALLBACK_TIMEOUT_SECONDS.",
  *check({ apps }) {
    for (const app of apps.consumers) {
      if (app.settings?.HANDLER !== "jobs") continue;
      const { HANDLER_TIMEOUT_SECONDS: limit, CALLBACK_TIMEOUT_SECONDS: callback } = app.settings;
      if (limit > callback) continue;
      const what = `${title(app.workload.manifest)} gives a handler ${limit} s but its callback ${callback} s`;
      yield fault(variablePlace(app, "HANDLER_TIMEOUT_SECONDS"), what);
    }
  },
};

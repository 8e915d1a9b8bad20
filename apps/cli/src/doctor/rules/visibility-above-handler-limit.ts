import { title, variablePlace } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const visibilityAboveHandlerLimit: Rule = {
  code: "VISIBILITY_ABOVE_HANDLER_LIMIT",
  topic: "numbers",
  severity: "warning",
  why: "The messages of a killed worker stay hidden for longer than any handler may take.",
  fix: "Lower VISIBILITY_SECONDS: it is extended while a handler runs.",
  *check({ apps }) {
    for (const app of apps.consumers) {
      const { VISIBILITY_SECONDS: visibility = 0, HANDLER_TIMEOUT_SECONDS: limit = 0 } = app.settings ?? {};
      if (visibility <= limit) continue;
      const what = `${title(app.workload.manifest)} hides a message for ${visibility} s; a handler may take ${limit} s`;
      yield fault(variablePlace(app, "VISIBILITY_SECONDS"), what);
    }
  },
};

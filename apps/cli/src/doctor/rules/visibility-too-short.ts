import { title, variablePlace } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

const leastSeconds = 10;

export const visibilityTooShort: Rule = {
  code: "VISIBILITY_TOO_SHORT",
  topic: "numbers",
  severity: "warning",
  why: "After a few slow extensions, a message being handled becomes visible to another worker, which repeats the work.",
  fix: "Set VISIBILITY_SECONDS to 10 or more.",
  *check({ apps }) {
    for (const app of apps.consumers) {
      const { VISIBILITY_SECONDS: visibility = leastSeconds } = app.settings ?? {};
      if (visibility >= leastSeconds) continue;
      const what = `${title(app.workload.manifest)} hides a message for ${visibility} s and extends this after half that time`;
      yield fault(variablePlace(app, "VISIBILITY_SECONDS"), what);
    }
  },
};

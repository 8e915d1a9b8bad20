import { title, variablePlace } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const callbackHostNotAllowed: Rule = {
  code: "CALLBACK_HOST_NOT_ALLOWED",
  topic: "names",
  severity: "error",
  why: "The consumer refuses to post results there: every job goes to the dead-letter queue.",
  fix: "Add the host and port of GATEWAY_URL to the consumer's CALLBACK_HOSTS.",
  *check({ apps }) {
    for (const app of apps.demoBackends) {
      if (app.settings === undefined) continue;
      const { host, hostname, protocol, port } = new URL(app.settings.GATEWAY_URL);
      const full = `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
      for (const { workload, settings } of apps.consumers) {
        const allowed = settings?.CALLBACK_HOSTS;
        if (allowed === undefined || [hostname, host, full].some((name) => allowed.includes(name))) continue;
        const what = `${title(app.workload.manifest)} gives jobs callback URLs at ${full}; ${title(workload.manifest)} may post to ${allowed.join(", ")}`;
        yield fault(variablePlace(app, "GATEWAY_URL"), what);
      }
    }
  },
};

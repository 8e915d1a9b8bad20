import { selects, serviceAddress, title, variablePlace } from "@kong-serverless/manifests";

import { fault, type Rule } from "../rule.ts";

export const callbackBypassesGateway: Rule = {
  code: "CALLBACK_BYPASSES_GATEWAY",
  topic: "names",
  severity: "error",
  why: "Only the gateway wakes a backend: results for a sleeping one are lost.",
  fix: "Set GATEWAY_URL to the gateway's proxy Service.",
  *check({ apps, manifests, scalers }) {
    for (const app of apps.demoBackends) {
      if (app.settings === undefined) continue;
      const { manifest } = app.workload;
      const address = serviceAddress(app.settings.GATEWAY_URL, manifest.namespace);
      const service = address && manifests.find("Service", address.namespace, address.name);
      if (!service || !scalers.some(({ target }) => target && selects(service, target))) continue;
      const what = `${title(manifest)} gives jobs callback URLs at ${title(service)}, which may have no pod`;
      yield fault(variablePlace(app, "GATEWAY_URL"), what);
    }
  },
};

import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";

export const queueDiffers: Rule<LiveSystem> = {
  code: "QUEUE_DIFFERS",
  topic: "live",
  severity: "error",
  why: "The queue, its policy or its subscription is not as the system needs it.",
  fix: "Run `kong-serverless provision --dry-run` to see the difference, and without --dry-run to repair it.",
  *check({ queueChanges, queueService: file }) {
    for (const { resource, name, action, attributes } of queueChanges) {
      const isMissing = resource === "subscription";
      if (action === "none" || (action === "create" && !isMissing)) continue;
      const differing = attributes.map(
        (attribute) => `${attribute.name} is ${attribute.from ?? "not set"}, not ${attribute.to}`,
      );
      const what = isMissing ? `There is no subscription ${name}` : `Queue ${name}: ${differing.join("; ")}`;
      yield fault({ file, path: `${resource} ${name}` }, what);
    }
  },
};

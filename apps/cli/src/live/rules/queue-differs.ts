import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";

export const queueDiffers: Rule<LiveSystem> = {
  code: "QUEUE_DIFFERS",
  topic: "live",
  severity: "error",
  why: "The queue, its policy or its subscription differs from what the system needs.",
  fix: "Run `kong-serverless provision --dry-run` to see the difference, and without --dry-run to fix it.",
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

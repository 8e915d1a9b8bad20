import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";

export const queueMissing: Rule<LiveSystem> = {
  code: "QUEUE_MISSING",
  topic: "live",
  severity: "error",
  why: "The scaler has nothing to watch: nothing is woken.",
  fix: "Run `kong-serverless provision`.",
  *check({ queueChanges, queueService: file }) {
    for (const { resource, name, action } of queueChanges) {
      if (resource !== "queue" || action !== "create") continue;
      yield fault({ file, path: `queue ${name}` }, `There is no queue ${name}`);
    }
  },
};

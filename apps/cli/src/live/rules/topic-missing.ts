import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";

export const topicMissing: Rule<LiveSystem> = {
  code: "TOPIC_MISSING",
  topic: "live",
  severity: "error",
  why: "Nothing is subscribed to a topic that does not exist: what is published to it is dropped.",
  fix: "Run `kong-serverless provision`.",
  *check({ queueChanges, queueService: file }) {
    for (const { resource, name, action } of queueChanges) {
      if (resource !== "topic" || action !== "create") continue;
      yield fault({ file, path: `topic ${name}` }, `There is no topic ${name}`);
    }
  },
};

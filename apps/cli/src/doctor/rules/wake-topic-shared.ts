import { fault, type Rule } from "../rule.ts";

export const wakeTopicShared: Rule = {
  code: "WAKE_TOPIC_SHARED",
  topic: "names",
  severity: "warning",
  why: "A request for one backend wakes all of them and keeps them awake.",
  fix: "Give each backend a topic of its own.",
  *check({ backends }) {
    const byTopic = Map.groupBy(backends, ({ settings: { wake } }) => wake && `${wake.pubsub}/${wake.topic}`);
    for (const [topic, sharing] of byTopic) {
      const names = [...new Set(sharing.map(({ settings: { name } }) => name))];
      const [, second] = sharing;
      if (topic === undefined || names.length < 2 || second === undefined) continue;
      yield fault(second.place.at("topic"), `${names.join(", ")} are woken by topic ${topic}`);
    }
  },
};

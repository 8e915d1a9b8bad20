import { demandWatches, type System, wakeQueues, wakeWatches } from "../../system/system.ts";
import { type Finding, finding } from "../finding.ts";

/** Something that a ScaledObject watches wakes every backend. */
export function* backendsAreScaled(system: System): Generator<Finding> {
  for (const backend of system.backends) {
    const { name, wake, health } = backend.settings;
    const demands = demandWatches(system, backend);
    if (wake === undefined) {
      if (demands.length > 0) continue;
      const what = `Backend ${name} has no topic, and no ScaledObject watches /demand/${name}`;
      yield finding("BACKEND_NOT_SCALED", backend.place, what);
      continue;
    }
    const wakes = wakeWatches(system, backend);
    if (wakes.length === 0) {
      const queues = wakeQueues(system, backend);
      const watched = system.scalers.flatMap(({ queues: triggers }) => triggers.map(({ queue }) => queue));
      yield finding(
        "WAKE_QUEUE_NOT_WATCHED",
        backend.place.at("topic"),
        `Backend ${name} is woken through ${queues.join(", ") || `topic ${wake.topic}, which has no queue`}; ScaledObjects watch ${watched.join(", ") || "no queue"}`,
      );
    }
    const canGrow = wakes.some(
      ({ scaler }) => scaler.manifest.root.at("spec", "maxReplicaCount").number !== 1,
    );
    if (health !== undefined && canGrow && demands.length === 0) {
      const what = `Backend ${name} has a wake trigger and none on /demand/${name}`;
      yield finding("DEMAND_NOT_WATCHED", backend.place.at("name"), what);
    }
  }
}

/** Two backends with different scale targets do not share a topic. */
export function* wakeTopicsAreApart({ backends }: System): Generator<Finding> {
  const byTopic = Map.groupBy(backends, ({ settings: { wake } }) => wake && `${wake.pubsub}/${wake.topic}`);
  for (const [topic, sharing] of byTopic) {
    const names = [...new Set(sharing.map(({ settings: { name } }) => name))];
    const [, second] = sharing;
    if (topic === undefined || names.length < 2 || second === undefined) continue;
    yield finding(
      "WAKE_TOPIC_SHARED",
      second.place.at("topic"),
      `${names.join(", ")} are woken by topic ${topic}`,
    );
  }
}

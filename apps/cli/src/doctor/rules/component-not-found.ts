import { publishersIn } from "../publishers.ts";
import { fault, notLookedAt, type Rule } from "../rule.ts";

export const componentNotFound: Rule = {
  code: "COMPONENT_NOT_FOUND",
  topic: "names",
  severity: "error",
  why: "The sidecar answers a publish to an unknown pub/sub component with 404: no wake message or job is ever sent.",
  fix: "Make the Dapr Component's name and namespace match the publisher's: a sidecar sees only the Components in its own namespace.",
  *check(system) {
    for (const { title: who, pubsub, place, namespace } of publishersIn(system)) {
      const named = system.pubsubs.filter(({ manifest }) => manifest.name === pubsub);
      const isFound = named.some(
        ({ manifest }) => namespace === undefined || manifest.namespace === namespace,
      );
      if (isFound) continue;
      if (system.pubsubs.length === 0 && !system.manifests.isComplete) {
        yield notLookedAt(`the Component ${pubsub}: no Component is among the manifests`);
        continue;
      }
      const where = named.map(({ manifest }) => manifest.namespace).join(", ") || "no namespace";
      const from = namespace === undefined ? "" : ` from namespace ${namespace}`;
      yield fault(
        place,
        `${who} publishes${from} through the Component ${pubsub}, which is found in ${where}`,
      );
    }
  },
};

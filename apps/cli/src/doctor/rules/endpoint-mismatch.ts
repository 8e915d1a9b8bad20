import { partiesOf } from "../queue-parties.ts";
import { fault, type Rule } from "../rule.ts";

export const endpointMismatch: Rule = {
  code: "ENDPOINT_MISMATCH",
  topic: "names",
  severity: "error",
  why: "Messages go to the queues of one service, an emulator for instance, and are looked for in another.",
  fix: "Give the Dapr Component (endpoint), the ScaledObject's trigger (awsEndpoint) and the consumer (AWS_ENDPOINT_URL) one address, or none.",
  *check(system) {
    for (const [first, ...others] of partiesOf(system)) {
      for (const other of others) {
        if (first === undefined || first.endpoint === other.endpoint) continue;
        const what = `${other.title} talks to ${other.endpoint ?? "AWS"}, ${first.title} to ${first.endpoint ?? "AWS"}`;
        yield fault(other.place, what);
      }
    }
  },
};

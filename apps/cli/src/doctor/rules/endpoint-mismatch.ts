import { partiesOf } from "../queue-parties.ts";
import { fault, type Rule } from "../rule.ts";

export const endpointMismatch: Rule = {
  code: "ENDPOINT_MISMATCH",
  topic: "names",
  severity: "error",
  why: "Messages are sent to one queue service, such as an emulator, and read from another.",
  fix: "Give the Dapr Component (endpoint), the ScaledObject's trigger (awsEndpoint) and the consumer (AWS_ENDPOINT_URL) the same address, or none.",
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

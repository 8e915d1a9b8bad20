import { type SchemaFault, schemaFaults, type System, title } from "@kong-serverless/manifests";

import { fault, type Fault } from "./rule.ts";

interface SchemaRuleOptions {
  readonly kind: SchemaFault["fault"];
  /** Whether the rule reports this fault. */
  readonly takes?: (found: SchemaFault) => boolean;
  /** Appended to the finding. */
  readonly hint?: (found: SchemaFault) => string;
}

/** Reports one kind of fault that the schemas find. In a cluster there are none: it has accepted its objects. */
export function* findSchemaFaults(
  { manifests }: System,
  { kind, takes = () => true, hint = () => "" }: SchemaRuleOptions,
): Generator<Fault> {
  if (manifests.isComplete) return;
  for (const manifest of manifests.all) {
    for (const found of schemaFaults(manifest)) {
      if (found.fault !== kind || !takes(found)) continue;
      yield fault(found.place, `${title(manifest)}: ${found.what}${hint(found)}`);
    }
  }
}

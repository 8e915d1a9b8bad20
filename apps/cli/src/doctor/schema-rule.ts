import { type SchemaFault, schemaFaults, type System, title } from "@kong-serverless/manifests";

import { fault, type Fault } from "./rule.ts";

interface Wanted {
  readonly kind: SchemaFault["fault"];
  /** Whether the rule takes this one. */
  readonly takes?: (found: SchemaFault) => boolean;
  /** What it adds. */
  readonly hint?: (found: SchemaFault) => string;
}

/** The faults of one kind that the schemas find. A cluster has taken what it has. */
export function* findSchemaFaults(
  { manifests }: System,
  { kind, takes = () => true, hint = () => "" }: Wanted,
): Generator<Fault> {
  if (manifests.isComplete) return;
  for (const manifest of manifests.all) {
    for (const found of schemaFaults(manifest)) {
      if (found.fault !== kind || !takes(found)) continue;
      yield fault(found.place, `${title(manifest)}: ${found.what}${hint(found)}`);
    }
  }
}

import type { Manifest, Manifests } from "./manifests.ts";
import type { Place } from "./place.ts";

/** A Dapr Component that carries messages. */
export interface Pubsub {
  readonly manifest: Manifest;
  readonly broker: "sqs" | "rabbitmq" | "other";
  /** The values of `spec.metadata` that stand in the manifest itself. */
  readonly settings: ReadonlyMap<string, Place>;
  /** The settings that a secret store has. */
  readonly secrets: ReadonlySet<string>;
  /** The app ids that may use it; empty: all. */
  readonly scopes: readonly string[];
}

const brokers: Readonly<Record<string, Pubsub["broker"]>> = {
  "pubsub.aws.snssqs": "sqs",
  "pubsub.snssqs": "sqs",
  "pubsub.rabbitmq": "rabbitmq",
};

export function readPubsubs(manifests: Manifests): Pubsub[] {
  return manifests.of("Component").flatMap((manifest) => {
    const { text: type = "" } = manifest.root.at("spec", "type");
    if (!type.startsWith("pubsub.")) return [];
    const items = manifest.root.at("spec", "metadata").items;
    return {
      manifest,
      broker: brokers[type] ?? "other",
      settings: new Map(
        items.filter((item) => !isSecret(item)).map((item) => [nameOf(item), item.at("value")]),
      ),
      secrets: new Set(items.filter(isSecret).map(nameOf)),
      scopes: manifest.root.at("scopes").items.flatMap(({ text }) => text ?? []),
    };
  });
}

function isSecret(item: Place): boolean {
  return item.at("secretKeyRef").exists || item.at("envRef").exists;
}

function nameOf(item: Place): string {
  return item.at("name").text ?? "";
}

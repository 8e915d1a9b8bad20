import type { Manifest, Manifests } from "../manifests/manifests.ts";
import type { Place } from "../manifests/place.ts";

/** A Dapr Component that carries messages. */
export interface Pubsub {
  readonly manifest: Manifest;
  readonly broker: "sqs" | "rabbitmq" | "other";
  /** The values of `spec.metadata` that stand in the manifest itself. */
  readonly settings: ReadonlyMap<string, Place>;
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
    return {
      manifest,
      broker: brokers[type] ?? "other",
      settings: new Map(
        manifest.root
          .at("spec", "metadata")
          .items.map((item) => [item.at("name").text ?? "", item.at("value")] as const),
      ),
      scopes: manifest.root.at("scopes").items.flatMap(({ text }) => text ?? []),
    };
  });
}

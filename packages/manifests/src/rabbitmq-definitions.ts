import { z } from "zod";

import { valueIn } from "./container.ts";
import type { Manifests } from "./manifests.ts";
import type { Place } from "./place.ts";

const schema = z.looseObject({
  exchanges: z
    .array(
      z.looseObject({
        name: z.string(),
        type: z.string().optional(),
        durable: z.boolean().optional(),
        auto_delete: z.boolean().optional(),
      }),
    )
    .default([]),
  queues: z
    .array(z.looseObject({ name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) }))
    .default([]),
  bindings: z.array(z.looseObject({ source: z.string(), destination: z.string() })).default([]),
});

/** What RabbitMQ loads at its start: https://www.rabbitmq.com/docs/definitions */
export type RabbitmqDefinitions = z.output<typeof schema> & {
  /** The text in its ConfigMap or Secret. */
  readonly place: Place;
};

/** The definitions that a ConfigMap or Secret holds; undefined where none can be read. Users may stand in another file. */
export function readRabbitmqDefinitions(manifests: Manifests): RabbitmqDefinitions | undefined {
  for (const manifest of manifests.of("ConfigMap", "Secret")) {
    for (const field of ["data", "stringData"]) {
      for (const [key, place] of manifest.root.at(field).entries) {
        const definitions = key.endsWith(".json") ? parse(valueIn(manifest, key) ?? "") : undefined;
        if (definitions && definitions.exchanges.length + definitions.queues.length > 0) {
          return { ...definitions, place };
        }
      }
    }
  }
  return undefined;
}

function parse(text: string): z.output<typeof schema> | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

import { z } from "zod";

import type { Manifests } from "../manifests/manifests.ts";
import type { Place } from "../manifests/place.ts";

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

/** The first definitions file in a ConfigMap or Secret; undefined where there is none that can be read. */
export function readRabbitmqDefinitions(manifests: Manifests): RabbitmqDefinitions | undefined {
  for (const { kind, root } of manifests.of("ConfigMap", "Secret")) {
    for (const field of ["data", "stringData"]) {
      for (const [key, place] of root.at(field).entries) {
        if (!/definitions.*\.json$/.test(key)) continue;
        const isEncoded = kind === "Secret" && field === "data";
        const definitions = parse(
          isEncoded ? Buffer.from(place.text ?? "", "base64").toString() : (place.text ?? ""),
        );
        if (definitions) return { ...definitions, place };
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

import { z } from "zod";

/** The gateway's id for a plugin entity's configuration, which the server may not know. */
const entityId = z.string().min(1).max(64);
/** Kong's tables may say null for what is absent. */
const absent = <Type extends z.ZodType>(type: Type) =>
  type.nullish().transform((value) => value ?? undefined);
const listed = z.record(z.string().max(256), z.literal(true));

/** A request that a gateway cannot decide about. */
export const questionSchema = z.object({
  entity: entityId,
  /** Which of the entity's backends it is for, counted from 0. */
  backend: z.int().min(0).max(255),
  /** The entity's configuration, once the server has asked for it with a 409. */
  configuration: z.unknown().optional(),
  /** Kong could not reach the backend although its lease was valid. */
  unreachable: z.boolean().optional(),
  /** Milliseconds that the request has waited: a question is repeated when the server goes away before it has answered. */
  waitedMs: z.number().min(0).default(0),
  path: z.string(),
  method: z.string(),
  headers: z.object({
    accept: z.string().optional(),
    "user-agent": z.string().optional(),
    traceparent: z.string().optional(),
  }),
  client: z.object({ consumer: absent(z.string()), ip: z.string() }),
  service: z
    .object({
      protocol: absent(z.string()),
      host: z.string(),
      port: z.number(),
      path: absent(z.string()),
    })
    .optional(),
  route: z.object({ paths: absent(z.array(z.string())), strip_path: absent(z.boolean()) }).optional(),
});

export type Question = z.output<typeof questionSchema>;

/** What a gateway, all its workers together, has in flight. */
export const reportSchema = z.object({
  /** One run of nginx. */
  gateway: z.string().min(1).max(64),
  /** Whether no server has taken a report of this gateway yet. */
  isFirst: z.boolean(),
  /** Requests in flight, and how many have passed by lease since the gateway started, keyed by backend. */
  backends: z.record(z.string().max(256), z.tuple([z.int().min(0), z.int().min(0)])),
  /** Keys of backends that Kong could not reach. */
  unreachable: listed,
  /**
   * All entities that the gateway is configured with, when they have changed or the server has asked. Keyed by id; the number
   * is higher for later configurations.
   */
  entities: z.record(entityId, z.number()).optional(),
  /** Those that the server has asked for. */
  configurations: z.record(entityId, z.unknown()).optional(),
});

export type GatewayReport = z.output<typeof reportSchema>;

export interface GatewayReportAnswer {
  /** Milliseconds for which each reported backend may be passed to; 0: ask. */
  readonly leases: Readonly<Record<string, number>>;
  /** Ids of entities whose configuration the server does not know. */
  readonly wanted: Readonly<Record<string, true>>;
  /** The server does not know what this gateway is configured with. */
  readonly wantsEntities: boolean;
}

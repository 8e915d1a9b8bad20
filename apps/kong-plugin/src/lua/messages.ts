import { z } from "zod";

/** The gateway's id for a plugin entity's configuration, which the server may not know. */
const entityId = z.string().min(1).max(64);
/** Kong's tables may have null for an absent field. */
const absent = <Type extends z.ZodType>(type: Type) =>
  type.nullish().transform((value) => value ?? undefined);
const listed = z.record(z.string().max(256), z.literal(true));

/** A request that a gateway cannot decide on by itself. */
export const questionSchema = z.object({
  entity: entityId,
  /** Which of the entity's backends it is for, counted from 0. */
  backend: z.int().min(0).max(255),
  /** The entity's configuration, once the server has asked for it with a 409. */
  configuration: z.unknown().optional(),
  /** Kong could not reach the backend although its lease was valid. */
  unreachable: z.boolean().optional(),
  /** Milliseconds that the request has waited: the question is repeated when a server goes away without an answer. */
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
  /** Identifies one run of nginx. */
  gateway: z.string().min(1).max(64),
  /** Whether no server has received a report of this gateway yet. */
  isFirst: z.boolean(),
  /** Requests in flight, and how many have passed by lease since the gateway started, keyed by backend. */
  backends: z.record(z.string().max(256), z.tuple([z.int().min(0), z.int().min(0)])),
  /** Keys of backends that Kong could not reach. */
  unreachable: listed,
  /**
   * All entities that the gateway is configured with, if they have changed or the server has asked. Keyed by id; later
   * configurations have higher numbers.
   */
  entities: z.record(entityId, z.number()).optional(),
  /** Those that the server has asked for. */
  configurations: z.record(entityId, z.unknown()).optional(),
});

export type GatewayReport = z.output<typeof reportSchema>;

export interface GatewayReportAnswer {
  /** Milliseconds for which requests may pass to each reported backend; 0: ask first. */
  readonly leases: Readonly<Record<string, number>>;
  /** Ids of entities whose configuration the server does not know. */
  readonly wanted: Readonly<Record<string, true>>;
  /** The server does not know what this gateway is configured with. */
  readonly wantsEntities: boolean;
}

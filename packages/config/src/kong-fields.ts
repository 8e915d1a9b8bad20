/** Fields that Kong puts beside an operator's own when it starts a plugin instance; those that begin with __ besides. */
const kongFields = new Set([
  "route_id",
  "service_id",
  "consumer_id",
  "consumer_group_id",
  "plugin_instance_name",
]);

/** The plugin entity that a configuration belongs to. */
export interface EntityIdentity {
  /** The same before and after a change of the entity's configuration. */
  readonly key: string;
  /** Grows with every load of a configuration. */
  readonly seq: number;
  /** Whether it is for the requests of one route or service; otherwise for all of the gateway's. */
  readonly isBound: boolean;
}

/** Reads what Kong says about the entity. */
export function entityIdentityOf(config: unknown): EntityIdentity {
  const { __key__, __seq__, route_id, service_id } = isRecord(config) ? config : {};
  return {
    key: typeof __key__ === "string" ? __key__ : JSON.stringify([route_id ?? null, service_id ?? null]),
    seq: typeof __seq__ === "number" ? __seq__ : 0,
    isBound: typeof route_id === "string" || typeof service_id === "string",
  };
}

/**
 * An operator's part of what Kong hands over. Kong writes `null` for what is absent, and its Lua tables do not tell an
 * empty list from an empty record: both arrive as `{}` and are taken as absent.
 */
export function withoutKongFields(config: unknown): unknown {
  if (!isRecord(config)) return config;
  const own = Object.entries(config).filter(([key]) => !key.startsWith("__") && !kongFields.has(key));
  return withoutAbsent(Object.fromEntries(own));
}

function withoutAbsent(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAbsent);
  if (!isRecord(value)) return value;
  const present = Object.entries(value).filter(([, field]) => field !== null && !isEmptyRecord(field));
  return Object.fromEntries(present.map(([key, field]) => [key, withoutAbsent(field)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEmptyRecord(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

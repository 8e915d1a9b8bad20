/** A plugin as Kong has it configured: one entry of its plugins table, bound to a route, a service, both or neither. */
export interface PluginEntity {
  readonly id: string;
  /** Name of the plugin, `serverless`. */
  readonly name: string;
  /** The plugin's own fields. What Kong adds to them (`route_id`, `service_id`, `__seq__`, ...) is added by the host. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly routeId?: string;
  readonly serviceId?: string;
  /** Version of the configuration: another number makes the host start a new instance and close the old one. */
  readonly seq: number;
}

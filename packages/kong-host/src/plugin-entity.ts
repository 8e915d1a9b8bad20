/** A configured plugin, as in Kong's plugins table: bound to a route, a service, both or neither. */
export interface PluginEntity {
  readonly id: string;
  /** Name of the plugin, `serverless`. */
  readonly name: string;
  /** The plugin's own fields. The host adds what Kong adds (`route_id`, `service_id`, `__seq__`, ...). */
  readonly config: Readonly<Record<string, unknown>>;
  readonly routeId?: string;
  readonly serviceId?: string;
  /** Version of the configuration: when it changes, the host starts a new instance and closes the old one. */
  readonly seq: number;
}

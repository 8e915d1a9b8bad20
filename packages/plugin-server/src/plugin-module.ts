import type { Kong } from "./kong.ts";

/** Phases in which a plugin can take part, in Kong's order. */
export const phases = ["certificate", "rewrite", "access", "response", "preread", "log"] as const;
export type Phase = (typeof phases)[number];

export type InstanceConfig = Readonly<Record<string, unknown>>;

/** An instance of a plugin, one per worker of Kong and configured plugin. Its class's methods say which phases it has. */
export type PluginInstance = {
  readonly [P in Phase]?: (kong: Kong) => Promise<void> | void;
} & {
  /**
   * Called to free what the instance holds, once Kong has closed it and its last event has ended. Also after a long
   * time without events: if one comes after all, another instance is constructed with the same configuration.
   */
  close?(): Promise<void> | void;
};

/** A plugin in the shape of kong-pdk's JavaScript plugins. */
export interface PluginModule {
  /** Constructed with the configuration that Kong has checked, plus what Kong adds to it (`route_id`, `service_id`, ...). */
  readonly Plugin: new (config: InstanceConfig) => PluginInstance;
  readonly Name: string;
  readonly Version: string;
  readonly Priority: number;
  /** The fields of `config`, as Kong's schema language writes them. */
  readonly Schema: readonly object[];
}

/** The phases that a plugin's class has a method for. */
export function phasesOf(plugin: PluginModule): Phase[] {
  return phases.filter((phase) => phase in plugin.Plugin.prototype);
}

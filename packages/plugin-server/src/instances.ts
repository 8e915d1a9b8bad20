import { randomInt } from "node:crypto";

import type { Log } from "@kong-serverless/runtime";

import type { PluginInstance, PluginModule } from "./plugin-module.ts";

const maxId = 2 ** 31 - 1;

/** A plugin with one configuration, for one of Kong's workers. */
export interface Instance {
  readonly id: number;
  readonly config: unknown;
  readonly startedAtMs: number;
  /** Absent when the plugin could not be constructed: its events are answered with a failure. */
  readonly plugin?: PluginInstance;
  /** Events whose handler still runs. */
  runningEvents: number;
  /** On the clock of `performance.now()`: it orders instances, whatever happens to the time of day. */
  lastUsedAtMs: number;
  isClosed: boolean;
}

export interface InstancesOptions {
  readonly plugin: PluginModule;
  /**
   * How many instances are kept. Kong never closes those of a worker that died or of a plugin that was removed; above this
   * the one unused for longest goes, and Kong starts it anew should it want it after all.
   */
  readonly maxInstances: number;
  readonly log: Log;
}

/** The plugin's instances, by the id that Kong calls them by. */
export class Instances {
  readonly #options: InstancesOptions;
  readonly #instances = new Map<number, Instance>();
  /** Random, so that after a restart no id means another instance than before: Kong still uses the old ones. */
  #nextId = randomInt(1, maxId);

  constructor(options: InstancesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#instances.size;
  }

  /** Never fails: an instance whose plugin cannot be constructed is kept too, and its events are answered with a failure. */
  start(pluginName: string, configJson: Uint8Array): Instance {
    if (this.#instances.size >= this.#options.maxInstances) this.#closeLeastRecentlyUsed();
    const instance: Instance = {
      id: this.#takeId(),
      ...this.#construct(pluginName, configJson),
      startedAtMs: Date.now(),
      runningEvents: 0,
      lastUsedAtMs: performance.now(),
      isClosed: false,
    };
    this.#instances.set(instance.id, instance);
    return instance;
  }

  find(id: number): Instance | undefined {
    return this.#instances.get(id);
  }

  close(instance: Instance): void {
    this.#instances.delete(instance.id);
    instance.isClosed = true;
    if (instance.runningEvents === 0) this.#free(instance);
  }

  beginEvent(instance: Instance): void {
    instance.runningEvents += 1;
    instance.lastUsedAtMs = performance.now();
  }

  endEvent(instance: Instance): void {
    instance.runningEvents -= 1;
    if (instance.isClosed && instance.runningEvents === 0) this.#free(instance);
  }

  closeAll(): void {
    for (const instance of this.#instances.values()) this.close(instance);
  }

  #construct(pluginName: string, configJson: Uint8Array): Pick<Instance, "config" | "plugin"> {
    let config: unknown;
    try {
      config = JSON.parse(Buffer.from(configJson).toString());
      if (pluginName !== this.#options.plugin.Name)
        throw new Error(`There is no plugin "${pluginName}" here.`);
      return { config, plugin: new this.#options.plugin.Plugin(config as Record<string, unknown>) };
    } catch (error) {
      this.#options.log.error({ plugin: pluginName, error }, "plugin.start_failed");
      return { config };
    }
  }

  #takeId(): number {
    while (this.#instances.has(this.#nextId)) this.#nextId = (this.#nextId % maxId) + 1;
    const id = this.#nextId;
    this.#nextId = (id % maxId) + 1;
    return id;
  }

  #closeLeastRecentlyUsed(): void {
    let oldest: Instance | undefined;
    for (const instance of this.#instances.values()) {
      if (instance.runningEvents > 0) continue;
      if (!oldest || instance.lastUsedAtMs < oldest.lastUsedAtMs) oldest = instance;
    }
    if (oldest) this.close(oldest);
  }

  #free(instance: Instance): void {
    const { log, plugin } = this.#options;
    const onError = (error: unknown) => log.error({ plugin: plugin.Name, error }, "plugin.close_failed");
    try {
      Promise.resolve(instance.plugin?.close?.()).catch(onError);
    } catch (error) {
      onError(error);
    }
  }
}

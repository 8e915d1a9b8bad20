import { randomInt } from "node:crypto";

import { type Log, ServerlessError } from "@kong-serverless/runtime";

import type { PluginInstance, PluginModule } from "./plugin-module.ts";

const maxId = 2 ** 31 - 1;
/** How often unused instances are looked for. */
const sweepMs = 60_000;

/** A plugin with one configuration, for one of Kong's workers. */
export interface Instance {
  readonly id: number;
  /** As Kong sent it; empty when it was too long to be kept. */
  readonly configJson: string;
  readonly startedAtMs: number;
  /** Absent while the instance rests, and when the plugin could not be constructed. */
  plugin?: PluginInstance | undefined;
  /** The plugin could not be constructed: its events are answered with a failure. */
  isRefused: boolean;
  /** Events whose handler still runs. */
  runningEvents: number;
  /** On the clock of `performance.now()`, which nobody can set back. */
  lastUsedAtMs: number;
  isClosed: boolean;
}

/**
 * Kong never closes the instances of a worker that died or of a plugin that was removed. These limits keep what it leaves
 * behind small.
 */
export interface InstanceLimits {
  /** How many are known. Above it the one unused for longest is closed; Kong starts it again if it still needs it. */
  readonly maxInstances: number;
  /** The same for the bytes of all configurations together. */
  readonly maxConfigTotalBytes: number;
  /** A longer configuration is refused: parsing it would keep every other request waiting. */
  readonly maxConfigBytes: number;
  /**
   * After this many ms without an event an instance rests: its plugin is closed, and constructed again at the next event.
   * Closing the instance instead would make Kong start those of all its plugins again.
   */
  readonly restAfterMs: number;
}

export const defaultInstanceLimits: InstanceLimits = {
  maxInstances: 10_000,
  maxConfigTotalBytes: 64 * 1024 * 1024,
  maxConfigBytes: 64 * 1024,
  restAfterMs: 24 * 3_600_000,
};

export interface InstancesOptions extends InstanceLimits {
  readonly plugin: PluginModule;
  readonly log: Log;
}

/** The plugin's instances, by the id that Kong calls them by. */
export class Instances {
  readonly #options: InstancesOptions;
  readonly #instances = new Map<number, Instance>();
  #configBytes = 0;
  /** Begins at random: after a restart Kong still uses old ids, which must not mean other instances. */
  #nextId = randomInt(1, maxId);
  #sweeping: NodeJS.Timeout | undefined;

  constructor(options: InstancesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#instances.size;
  }

  /** Never fails: an instance whose plugin cannot be constructed is kept too, and its events are answered with a failure. */
  start(pluginName: string, configBytes: Uint8Array): Instance {
    const refusal = this.#refusalOf(pluginName, configBytes.length);
    const hasRoom = this.#makeRoom(refusal === undefined ? configBytes.length : 0);
    const isTaken = refusal === undefined && hasRoom;
    const instance: Instance = {
      id: this.#takeId(),
      configJson: isTaken ? Buffer.from(configBytes).toString() : "",
      startedAtMs: Date.now(),
      isRefused: !isTaken,
      runningEvents: 0,
      lastUsedAtMs: performance.now(),
      isClosed: false,
    };
    this.#instances.set(instance.id, instance);
    this.#configBytes += instance.configJson.length;
    if (isTaken) this.#construct(instance);
    else
      this.#logRefusal(pluginName, refusal ?? new Error("The instances in use leave no room for another."));
    this.#sweeping ??= setInterval(
      () => this.#restUnused(),
      Math.min(sweepMs, this.#options.restAfterMs),
    ).unref();
    return instance;
  }

  find(id: number): Instance | undefined {
    return this.#instances.get(id);
  }

  /** The instance's plugin, constructed again if it rests; undefined when it cannot be. */
  pluginOf(instance: Instance): PluginInstance | undefined {
    if (instance.plugin === undefined && !instance.isRefused) this.#construct(instance);
    return instance.plugin;
  }

  close(instance: Instance): void {
    if (this.#instances.delete(instance.id)) this.#configBytes -= instance.configJson.length;
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
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
    for (const instance of this.#instances.values()) this.close(instance);
  }

  #construct(instance: Instance): void {
    const { Plugin, Name } = this.#options.plugin;
    try {
      instance.plugin = new Plugin(JSON.parse(instance.configJson) as Record<string, unknown>);
    } catch (error) {
      instance.isRefused = true;
      this.#logRefusal(Name, error);
    }
  }

  #refusalOf(pluginName: string, configBytes: number): Error | undefined {
    const { plugin, maxConfigBytes } = this.#options;
    if (pluginName !== plugin.Name) return new Error("There is no plugin of this name here.");
    if (configBytes <= maxConfigBytes) return undefined;
    return new ServerlessError(
      "CONFIG_INVALID",
      `The plugin's configuration has ${configBytes} bytes; at most ${maxConfigBytes} are taken.`,
    );
  }

  #logRefusal(pluginName: string, error: unknown): void {
    this.#options.log.error({ plugin: pluginName.slice(0, 100), error }, "plugin.start_failed");
  }

  #restUnused(): void {
    const unusedSinceMs = performance.now() - this.#options.restAfterMs;
    for (const instance of this.#instances.values()) {
      const isUsed = instance.runningEvents > 0 || instance.lastUsedAtMs > unusedSinceMs;
      if (!isUsed && instance.plugin !== undefined) this.#free(instance);
    }
  }

  /** Closes the instances unused for longest. False when those in use leave no room. */
  #makeRoom(configBytes: number): boolean {
    const { maxInstances, maxConfigTotalBytes } = this.#options;
    while (this.#instances.size >= maxInstances || this.#configBytes + configBytes > maxConfigTotalBytes) {
      const oldest = this.#leastRecentlyUsed();
      if (oldest === undefined) return false;
      this.close(oldest);
    }
    return true;
  }

  #leastRecentlyUsed(): Instance | undefined {
    let oldest: Instance | undefined;
    for (const instance of this.#instances.values()) {
      if (instance.runningEvents > 0) continue;
      if (!oldest || instance.lastUsedAtMs < oldest.lastUsedAtMs) oldest = instance;
    }
    return oldest;
  }

  #takeId(): number {
    while (this.#instances.has(this.#nextId)) this.#nextId = (this.#nextId % maxId) + 1;
    const id = this.#nextId;
    this.#nextId = (id % maxId) + 1;
    return id;
  }

  #free(instance: Instance): void {
    const { log, plugin } = this.#options;
    const onError = (error: unknown) => log.error({ plugin: plugin.Name, error }, "plugin.close_failed");
    const closing = instance.plugin;
    instance.plugin = undefined;
    try {
      Promise.resolve(closing?.close?.()).catch(onError);
    } catch (error) {
      onError(error);
    }
  }
}

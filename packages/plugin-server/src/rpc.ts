import type { MessageInitShape } from "@bufbuild/protobuf";
import { type RpcCall, type RpcReturnSchema } from "@kong-serverless/kong-protocol";

import { schemaOf } from "./dump.ts";
import type { Instance, Instances } from "./instances.ts";
import { phasesOf, type PluginModule } from "./plugin-module.ts";

export type RpcResult = NonNullable<MessageInitShape<typeof RpcReturnSchema>["result"]>;

/** Kong's calls, besides events: those about the plugin and its instances. */
export class Rpc {
  readonly #plugin: PluginModule;
  readonly #instances: Instances;
  readonly #loadedAt = epochSeconds(Date.now());

  constructor(plugin: PluginModule, instances: Instances) {
    this.#plugin = plugin;
    this.#instances = instances;
  }

  /**
   * The result of a call; `undefined` for an unknown instance. A call of an unknown kind has an empty result: Kong may be
   * newer.
   */
  answer(call: Exclude<RpcCall["call"], { case: "handleEvent" }>): RpcResult | undefined {
    switch (call.case) {
      case "getPluginNames":
        return { case: "pluginNames", value: { names: [this.#plugin.Name] } };
      case "getPluginInfo":
        return this.#info(call.value.name);
      case "startInstance":
        return instanceResult(this.#plugin, this.#instances.start(call.value.name, call.value.config));
      case "getInstanceStatus": {
        const instance = this.#instances.find(call.value.instanceId);
        return instance && instanceStatus(this.#plugin, instance);
      }
      case "closeInstance": {
        const instance = this.#instances.find(call.value.instanceId);
        if (instance) this.#instances.close(instance);
        return instance && instanceResult(this.#plugin, instance);
      }
      case undefined:
        return { case: undefined };
    }
  }

  #info(name: string): RpcResult {
    const { Name, Version, Priority } = this.#plugin;
    if (name !== Name) return { case: undefined };
    return {
      case: "pluginInfo",
      value: {
        name,
        version: Version,
        priority: Priority,
        phases: phasesOf(this.#plugin),
        schema: JSON.stringify(schemaOf(this.#plugin)),
        loadedAt: this.#loadedAt,
        updatedAt: this.#loadedAt,
      },
    };
  }
}

function instanceResult(plugin: PluginModule, instance: Instance): RpcResult {
  return { case: "instanceStatus", value: { name: plugin.Name, instanceId: instance.id } };
}

/** Without the configuration, which may hold secrets: ids follow one another, so a peer can guess those of others. */
function instanceStatus(plugin: PluginModule, instance: Instance): RpcResult {
  return {
    case: "instanceStatus",
    value: {
      name: plugin.Name,
      instanceId: instance.id,
      startedAt: epochSeconds(instance.startedAtMs),
    },
  };
}

function epochSeconds(ms: number): bigint {
  return BigInt(Math.floor(ms / 1000));
}

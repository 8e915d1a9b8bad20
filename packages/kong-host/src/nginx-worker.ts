import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { RpcCallSchema, type RpcReturn, RpcReturnSchema } from "@kong-serverless/kong-protocol";

import { ConnectionPool } from "./connection-pool.ts";
import { instanceConfig } from "./instance-config.ts";
import { answerPdkCall, type HostPhase } from "./pdk/answer-pdk-call.ts";
import type { PdkContext } from "./pdk/context.ts";
import type { PluginEntity } from "./plugin-entity.ts";
import { PluginServerConnection, ConnectionClosedError } from "./plugin-server-connection.ts";

type CallInit = NonNullable<MessageInitShape<typeof RpcCallSchema>["call"]>;
type AnswerPdk = (name: string, argument: Uint8Array) => Uint8Array;

interface StartedInstance {
  readonly seq: number;
  readonly id: Promise<number>;
}

export interface NginxWorkerOptions {
  readonly socketPath: string;
  readonly readTimeoutMs: number;
  /** The plugin server closed a connection: Kong then takes the plugin's instances for gone, in all workers. */
  readonly onInstancesLost: (pluginName: string) => void;
}

/** Kong would retry forever with a server that closes every connection. */
const maxAttempts = 10;

/** One of nginx's workers, with connections and plugin instances of its own. */
export class NginxWorker {
  readonly #options: NginxWorkerOptions;
  readonly #pool: ConnectionPool;
  /** By the id of the entity. */
  readonly #instances = new Map<string, StartedInstance & { readonly pluginName: string }>();
  // Kong has counted twice by its first call.
  #sequence = 1n;

  constructor(options: NginxWorkerOptions) {
    this.#options = options;
    this.#pool = new ConnectionPool(() =>
      PluginServerConnection.open(options.socketPath, options.readTimeoutMs),
    );
  }

  /**
   * Runs one event, and again with a new instance whenever the plugin server closes the connection. Rejects with
   * `PluginExit` when the plugin ends the request, with the signal's reason, or with the error that Kong logs with its 500.
   */
  async handleEvent(
    entity: PluginEntity,
    phase: HostPhase,
    context: PdkContext,
    signal?: AbortSignal,
  ): Promise<void> {
    const answerPdk: AnswerPdk = (name, argument) => answerPdkCall(name, argument, phase, context);
    for (let attempt = 1; ; attempt++) {
      const instanceId = await this.#instanceId(entity);
      try {
        const call: CallInit = { case: "handleEvent", value: { instanceId, eventName: phase } };
        await this.#call(call, answerPdk, signal);
        return;
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof ConnectionClosedError) || attempt >= maxAttempts) throw error;
        this.#options.onInstancesLost(entity.name);
      }
    }
  }

  forgetInstances(pluginName: string): void {
    for (const [entityId, instance] of this.#instances) {
      if (instance.pluginName === pluginName) this.#instances.delete(entityId);
    }
  }

  close(): void {
    this.#pool.closeAll();
  }

  #instanceId(entity: PluginEntity): Promise<number> {
    const current = this.#instances.get(entity.id);
    if (current?.seq === entity.seq) return current.id;
    const instance = { seq: entity.seq, pluginName: entity.name, id: this.#startInstance(entity, current) };
    this.#instances.set(entity.id, instance);
    instance.id.catch(() => {
      if (this.#instances.get(entity.id) === instance) this.#instances.delete(entity.id);
    });
    return instance.id;
  }

  async #startInstance(entity: PluginEntity, old: StartedInstance | undefined): Promise<number> {
    const config = Buffer.from(JSON.stringify(instanceConfig(entity)));
    const { result } = await this.#call({ case: "startInstance", value: { name: entity.name, config } });
    if (result.case !== "instanceStatus") throw new Error("no instance was started");
    // Kong ignores a failure: another worker may have closed it already.
    await old?.id
      .then((instanceId) => this.#call({ case: "closeInstance", value: { instanceId } }))
      .catch(() => undefined);
    return result.value.instanceId;
  }

  async #call(call: CallInit, answerPdk?: AnswerPdk, signal?: AbortSignal): Promise<RpcReturn> {
    const connection = await this.#pool.take();
    const onAbort = () => connection.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      signal?.throwIfAborted();
      this.#sequence += 1n;
      const sequence = this.#sequence;
      connection.send(toBinary(RpcCallSchema, create(RpcCallSchema, { sequence, call })));
      if (answerPdk) await answerPdkCalls(connection, answerPdk);
      const answer = fromBinary(RpcReturnSchema, await connection.read());
      if (answer.sequence !== sequence) throw new Error("the answer belongs to another call");
      this.#pool.keep(connection);
      return answer;
    } catch (error) {
      this.#pool.drop(connection);
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

/** Ends at the empty frame that ends an event. */
async function answerPdkCalls(connection: PluginServerConnection, answerPdk: AnswerPdk): Promise<void> {
  for (let name = await connection.read(); name.length > 0; name = await connection.read()) {
    connection.send(answerPdk(name.toString(), await connection.read()));
  }
}

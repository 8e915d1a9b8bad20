import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { sleep } from "@kong-serverless/runtime";
import { decodeMultiStream, encode } from "@msgpack/msgpack";

interface Step {
  readonly EventId: number;
  /** A PDK call that Kong is to answer, or `ret` at the end of the event. */
  readonly Data: { readonly Method: string; readonly Args: readonly unknown[] } | "ret";
}

type Answers = Readonly<Record<string, unknown>>;

/** Kong's side of the `MsgPack:1` protocol, as far as one connection needs it: calls one after another, PDK calls in steps. */
export class StockGateway {
  readonly #socket: Socket;
  readonly #messages: AsyncGenerator;
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#messages = decodeMultiStream(socket);
  }

  /** Resolves once a server listens at the path. */
  static async connect(socketPath: string): Promise<StockGateway> {
    for (let attempt = 1; ; attempt += 1) {
      const socket = connect(socketPath);
      try {
        await once(socket, "connect");
        return new StockGateway(socket);
      } catch (error) {
        if (attempt === 200) throw error;
        await sleep(20);
      }
    }
  }

  async startInstance(name: string, config: object): Promise<number> {
    const { Id } = (await this.#call("StartInstance", { Name: name, Config: JSON.stringify(config) })) as {
      Id: number;
    };
    return Id;
  }

  /** Plays an event to its end and answers PDK calls from `answers`. Resolves with the calls, in order. */
  async event(instanceId: number, phase: "access" | "log", answers: Answers): Promise<string[]> {
    const calls: string[] = [];
    let step = (await this.#call("HandleEvent", { InstanceId: instanceId, EventName: phase })) as Step;
    while (step.Data !== "ret") {
      const { Method } = step.Data;
      calls.push(Method);
      step = (await this.#call("Step", { EventId: step.EventId, Data: answers[Method] ?? null })) as Step;
    }
    return calls;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #call(method: string, argument: object): Promise<unknown> {
    const id = this.#nextId++;
    this.#socket.write(encode([0, id, `plugin.${method}`, [argument]]));
    const { value } = (await this.#messages.next()) as { value: [number, number, string | null, unknown] };
    const [, answeredId, error, result] = value;
    if (error !== null) throw new Error(error);
    if (answeredId !== id) throw new Error(`answer to ${answeredId} instead of ${id}`);
    return result;
  }
}

import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";

import {
  ExternalScaler,
  type GetMetricSpecResponseSchema,
  type GetMetricsResponseSchema,
  type IsActiveResponse,
  IsActiveResponseSchema,
  type ScaledObjectRef,
} from "../externalscaler_pb.ts";
import { grpcService } from "../grpc.ts";

const metricName = "scripted";

/** An external scaler under a test's control: it answers polls with `value`, and pushes when told to. */
export class ScriptedScaler {
  /** Active above 0. */
  value = 0;
  #port = 0;
  readonly #server = new Server();
  readonly #streams = new Set<ServerWritableStream<ScaledObjectRef, IsActiveResponse>>();

  /** @param port 0 takes any free one. */
  static async start(port = 0): Promise<ScriptedScaler> {
    const scaler = new ScriptedScaler();
    await scaler.#listen(port);
    return scaler;
  }

  private constructor() {
    this.#server.addService(grpcService(ExternalScaler), {
      isActive: answering<typeof IsActiveResponseSchema>(() => ({ result: this.value > 0 })),
      getMetricSpec: answering<typeof GetMetricSpecResponseSchema>(() => ({
        metricSpecs: [{ metricName, targetSizeFloat: 10 }],
      })),
      getMetrics: answering<typeof GetMetricsResponseSchema>(() => ({
        metricValues: [{ metricName, metricValueFloat: this.value }],
      })),
      streamIsActive: (call: ServerWritableStream<ScaledObjectRef, IsActiveResponse>) => {
        this.#streams.add(call);
        call.on("error", () => {});
        call.once("close", () => this.#streams.delete(call));
      },
    });
  }

  get port(): number {
    return this.#port;
  }

  /** How many streams are open. */
  get streams(): number {
    return this.#streams.size;
  }

  push(result: boolean): void {
    for (const stream of this.#streams) stream.write(create(IsActiveResponseSchema, { result }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }

  async #listen(port: number): Promise<void> {
    this.#port = await new Promise((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
        if (error) reject(error);
        else resolve(bound);
      });
    });
  }
}

function answering<Answer extends DescMessage>(answer: () => MessageInitShape<Answer>) {
  return (
    _: ServerUnaryCall<unknown, MessageInitShape<Answer>>,
    respond: sendUnaryData<MessageInitShape<Answer>>,
  ): void => respond(null, answer());
}

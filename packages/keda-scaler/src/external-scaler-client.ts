import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, type ClientReadableStream, credentials } from "@grpc/grpc-js";

import {
  ExternalScaler,
  type IsActiveResponse,
  IsActiveResponseSchema,
  type MetricSpec,
  type ScaledObjectRefSchema,
  ScaledObjectRefSchema as refSchema,
} from "./externalscaler_pb.ts";
import { type CallOptions, callUnary, serializer } from "./grpc.ts";

export type TriggerReference = MessageInitShape<typeof ScaledObjectRefSchema>;

/** KEDA's side: the calls that its operator makes to an external scaler. */
export class ExternalScalerClient {
  readonly #client: Client;

  /** @param address `host:port`. Connects at the first call. */
  constructor(address: string, security: ChannelCredentials = credentials.createInsecure()) {
    this.#client = new Client(address, security);
  }

  async isActive(trigger: TriggerReference, options: CallOptions): Promise<boolean> {
    return (await callUnary(this.#client, ExternalScaler.method.isActive, trigger, options)).result;
  }

  async metricSpecs(trigger: TriggerReference, options: CallOptions): Promise<MetricSpec[]> {
    const { getMetricSpec } = ExternalScaler.method;
    return (await callUnary(this.#client, getMetricSpec, trigger, options)).metricSpecs;
  }

  /** The value of a metric, 0 when the scaler has none of that name. */
  async metric(trigger: TriggerReference, metricName: string, options: CallOptions): Promise<number> {
    const { getMetrics } = ExternalScaler.method;
    const request = { scaledObjectRef: trigger, metricName };
    const { metricValues } = await callUnary(this.#client, getMetrics, request, options);
    const value = metricValues.find((candidate) => candidate.metricName === metricName);
    return value?.metricValueFloat || Number(value?.metricValue ?? 0);
  }

  /** The stream ends, with or without an error, when the scaler or the connection does. */
  streamIsActive(trigger: TriggerReference): ClientReadableStream<IsActiveResponse> {
    return this.#client.makeServerStreamRequest(
      `/${ExternalScaler.typeName}/${ExternalScaler.method.streamIsActive.name}`,
      serializer(refSchema),
      (bytes) => fromBinary(IsActiveResponseSchema, bytes),
      create(refSchema, trigger),
    );
  }

  close(): void {
    this.#client.close();
  }
}

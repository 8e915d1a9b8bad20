import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Client, MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { Metadata } from "@grpc/grpc-js";

/** A generated service in the form that gRPC's server takes, its methods named as the generator names them. */
export function grpcService(service: DescService): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map(({ name, localName, methodKind, input, output }) => [
      localName,
      {
        path: `/${service.typeName}/${name}`,
        requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
        responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
        requestSerialize: serializer(input),
        requestDeserialize: (bytes) => fromBinary(input, bytes),
        responseSerialize: serializer(output),
        responseDeserialize: (bytes) => fromBinary(output, bytes),
      } satisfies MethodDefinition<MessageShape<DescMessage>, MessageShape<DescMessage>>,
    ]),
  );
}

export function serializer<Message extends DescMessage>(message: Message) {
  return (value: MessageInitShape<Message>): Buffer => Buffer.from(toBinary(message, create(message, value)));
}

export interface CallOptions {
  /** Undefined: as long as the connection lasts. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Calls a unary method. Rejects with gRPC's ServiceError, also when the deadline passes. */
export function callUnary<Input extends DescMessage, Output extends DescMessage>(
  client: Client,
  { parent, name, input, output }: DescMethodUnary<Input, Output>,
  request: MessageInitShape<Input>,
  { timeoutMs, signal }: CallOptions,
): Promise<MessageShape<Output>> {
  return new Promise((resolve, reject) => {
    const onAbort = () => call.cancel();
    const call = client.makeUnaryRequest(
      `/${parent.typeName}/${name}`,
      serializer(input),
      (bytes) => fromBinary(output, bytes),
      request as MessageShape<Input>,
      new Metadata(),
      timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
      (error, answer) => {
        signal?.removeEventListener("abort", onAbort);
        if (answer === undefined) reject(error ?? new Error(`${name} was not answered`));
        else resolve(answer);
      },
    );
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
  });
}

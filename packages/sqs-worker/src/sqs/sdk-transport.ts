import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";

import {
  type CallSignals,
  Credentials,
  type Input,
  type Output,
  type SqsOperation,
  type SqsTransport,
  type TransportOptions,
} from "./transport.ts";

const commands = {
  ReceiveMessage: ReceiveMessageCommand,
  DeleteMessageBatch: DeleteMessageBatchCommand,
  ChangeMessageVisibilityBatch: ChangeMessageVisibilityBatchCommand,
  GetQueueAttributes: GetQueueAttributesCommand,
  GetQueueUrl: GetQueueUrlCommand,
} as const;

/** Calls through the SDK's client, with whatever middleware it has. */
export class SdkTransport implements SqsTransport {
  readonly #client: SQSClient;
  /** The SDK's own check discards a whole batch because of one message; `SqsQueue` checks each message itself. */
  readonly #unchecked: SQSClient["config"];
  readonly #credentials: Credentials;
  readonly #options: TransportOptions;

  constructor(client: SQSClient, options: TransportOptions) {
    this.#client = client;
    this.#credentials = new Credentials(client);
    this.#unchecked = { ...client.config, md5: false };
    this.#options = options;
  }

  async call<Operation extends SqsOperation>(
    operation: Operation,
    input: Input<Operation>,
    signals: CallSignals,
  ): Promise<Output<Operation>> {
    await this.#credentials.get(signals);
    const Command = commands[operation] as unknown as new (input: object) => ReceiveMessageCommand;
    const command = new Command(input);
    const resolve = command.resolveMiddleware.bind(command);
    command.resolveMiddleware = (stack, _config, options) => resolve(stack, this.#unchecked, options);
    command.middlewareStack.add(
      (next) => (args) => {
        this.#options.onRequest(operation);
        return next(args);
      },
      { step: "finalizeRequest", priority: "low", name: "countRequests", override: true },
    );
    return (await this.#client.send(command, { abortSignal: signals.signal })) as Output<Operation>;
  }
}

import type { Handler } from "@kong-serverless/sqs-worker";

/** Logs each message, taken out of its envelopes; without content, only that there was one. */
export function createLogHandler({ hasContent }: { readonly hasContent: boolean }): Handler {
  return (message, { log }) => {
    const { id: messageId, text, event, topicArn, attributes, receiveCount } = message;
    const content = { body: text, eventType: event?.type, topicArn, attributes };
    log.info({ messageId, ...(hasContent && content), receiveCount }, "message.printed");
  };
}

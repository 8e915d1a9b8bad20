import type { Handler } from "@kong-serverless/sqs-worker";

/** Prints each message, out of its envelopes. */
export const logHandler: Handler = (message, { log }) => {
  const { id: messageId, text, event, topicArn, attributes, receiveCount } = message;
  log.info(
    { messageId, body: text, eventType: event?.type, topicArn, attributes, receiveCount },
    "message.printed",
  );
};

export { DaprPublisher, type DaprPublisherOptions, type PublishMessage } from "./dapr-publisher.ts";
export { PublishError, type PublishErrorCode } from "./publish-error.ts";

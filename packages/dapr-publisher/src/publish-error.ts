import { type ErrorCodeName, ServerlessError } from "@kong-serverless/runtime";

export type PublishErrorCode = Extract<
  ErrorCodeName,
  "PUBLISH_TIMEOUT" | "PUBLISH_REJECTED" | "PUBLISH_FAILED" | "PUBLISH_OVERLOADED" | "SIDECAR_UNAVAILABLE"
>;

/** A message that the broker did not take, as far as anybody knows: after PUBLISH_TIMEOUT it may have. */
export class PublishError extends ServerlessError {
  declare readonly code: PublishErrorCode;
  /** Status code of the sidecar's answer, when it gave one. */
  readonly sidecarStatus?: number;

  constructor(
    code: PublishErrorCode,
    message: string,
    { sidecarStatus, cause }: { sidecarStatus?: number; cause?: unknown } = {},
  ) {
    super(code, message, { cause });
    if (sidecarStatus !== undefined) this.sidecarStatus = sidecarStatus;
  }
}

/** Bundled beside the app: what runs in a thread with HANDLER_ISOLATION=thread. */
// oxlint-disable-next-line import/no-unassigned-import -- it is run, not used
import "@kong-serverless/sqs-worker/handler-thread";

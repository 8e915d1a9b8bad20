/** The entry of each thread with HANDLER_ISOLATION=thread, bundled beside the app. */
// oxlint-disable-next-line import/no-unassigned-import -- it is run, not used
import "@kong-serverless/sqs-worker/handler-thread";

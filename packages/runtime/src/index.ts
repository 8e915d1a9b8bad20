export { withDeadline } from "./deadline.ts";
export { type ErrorCode, type ErrorCodeName, errorCodes } from "./error-codes.ts";
export { ServerlessError, type ServerlessErrorOptions } from "./error.ts";
export { listen, type ListenAddress } from "./listen.ts";
export { createLog, type Log, type LogLevel, logLevels, silentLog } from "./log.ts";
export { OpsServer, type OpsServerOptions } from "./ops-server.ts";
export { printable } from "./printable.ts";
export { runService, type RunningService } from "./run-service.ts";
export { sleep } from "./sleep.ts";

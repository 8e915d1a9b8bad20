export { readEnvironment } from "./environment.ts";
export { ConfigError, parseConfig } from "./parse.ts";
export { type Job, type JobResult, jobResultSchema, jobSchema } from "./job.ts";

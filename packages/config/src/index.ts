export { readEnvironment } from "./environment.ts";
export { ConfigError, parseConfig } from "./parse.ts";

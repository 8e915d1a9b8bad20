import { join } from "node:path";

/** The folder of the plugin's Lua files: what Kong finds as `kong.plugins.serverless`. */
export const luaPluginFolder = join(import.meta.dirname, "../serverless");

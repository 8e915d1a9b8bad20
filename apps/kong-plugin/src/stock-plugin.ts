/**
 * The plugin for kong-pdk's own `kong-js-pluginserver`, which loads this module from its plugins directory. That server has
 * neither an ops port nor a graceful stop, and does not notice when clients leave; `main.ts` has all three.
 */
import { readKongPluginEnvironment } from "@kong-serverless/config";
import { createLog } from "@kong-serverless/runtime";

import { createPluginModule } from "./app.ts";

const environment = readKongPluginEnvironment();
const log = createLog("kong-plugin", environment.LOG_LEVEL);

export const { Plugin, Name, Version, Priority, Schema } = createPluginModule(environment, log);

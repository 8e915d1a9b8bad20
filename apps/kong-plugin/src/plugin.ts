import { kongSchema } from "@kong-serverless/config";
import type { PluginModule } from "@kong-serverless/plugin-server";

import packageJson from "../package.json" with { type: "json" };
import type { EntityParts } from "./entity.ts";
import { ServerlessPlugin } from "./serverless-plugin.ts";

/** The Kong plugin `serverless`, in kong-pdk's shape. */
export function createPlugin(parts: EntityParts): PluginModule {
  return {
    Plugin: class extends ServerlessPlugin {
      constructor(config: unknown) {
        super(config, parts);
      }
    },
    Name: "serverless",
    Version: packageJson.version,
    // After authentication, ACLs and rate limiting: what those refuse wakes nothing.
    Priority: 1,
    Schema: kongSchema,
  };
}

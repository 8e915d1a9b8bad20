/** Serves one of the small plugins at a socket: `server.ts empty|original SOCKET_PATH`. */
import { PluginServer } from "@kong-serverless/plugin-server";

import { OriginalPlugin } from "./original-plugin.ts";

class EmptyPlugin {
  access(): void {}
}

const [name = "", socketPath = ""] = process.argv.slice(2);
const Plugin = name === "original" ? OriginalPlugin : EmptyPlugin;
await new PluginServer({
  socketPath,
  plugin: { Plugin, Name: name, Version: "1.0.0", Priority: 1, Schema: [] },
}).start();

/** Serves an empty plugin at the socket path that it is given, until SIGTERM. Says on stdout when Kong can connect. */
import { PluginServer } from "../index.ts";

class Empty {
  access(): void {}
}

const [, , socketPath = ""] = process.argv;
const plugin = { Plugin: Empty, Name: "tested", Version: "1.0.0", Priority: 1, Schema: [] };
const server = new PluginServer({ socketPath, plugin });
await server.start();
process.once("SIGTERM", () => void server.stop({ graceMs: 5000, idleMs: 100 }));
process.stdout.write("listening\n");

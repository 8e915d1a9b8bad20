import { createServer, type AddressInfo } from "node:net";

import { listen } from "@kong-serverless/runtime";

/** A port of loopback that nobody listens on now, for a process that must be told its port. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await listen(server, { host: "127.0.0.1", port: 0 });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

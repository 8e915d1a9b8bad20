/** A sidecar that accepts every message and a backend that is always ready, in their own process. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { createLog, listen } from "@kong-serverless/runtime";

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => response.writeHead(204).end());
});
await listen(server, { host: "127.0.0.1", port: 0 });
createLog("upstream").info(
  { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
  "listening",
);

import { randomInt } from "node:crypto";
import { createServer } from "node:net";

import { listen } from "./listen.ts";

/**
 * Below the ephemeral ports (from 32768 on Linux, from 49152 elsewhere). The system hands those out by itself, so one of them
 * may be taken again before the process that was told it binds it.
 */
const lowestPort = 20_000;
const portCount = 12_000;
const attempts = 100;

/** A port of loopback that nobody listens on now, for a process that must be told its port. */
export async function freePort(): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = lowestPort + randomInt(portCount);
    const server = createServer();
    try {
      await listen(server, { host: "127.0.0.1", port });
    } catch (error) {
      if (attempt === attempts) throw error;
      continue;
    }
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

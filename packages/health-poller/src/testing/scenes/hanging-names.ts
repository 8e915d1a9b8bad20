/** Six backends about whose names the name server is silent, and a healthy one whose name is in the hosts file. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { probe, waitUntilReady } from "../../index.ts";
import { NameServer } from "../name-server.ts";

const names = await NameServer.start({ port: 53, swallows: () => true });
const server = createServer((_, response) => response.end("ok"));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;

const ended: string[] = [];
const wait = async (host: string) => {
  const after = await waitUntilReady({
    probe: (signal) => probe({ url: `http://${host}:${port}/healthz`, timeoutMs: 1000 }, signal),
    intervalMs: 20,
    deadlineMs: 2000,
  }).catch((error: Error) => error.message);
  ended.push(host);
  return after;
};
const hanging = Array.from({ length: 6 }, (_, nth) => wait(`hangs-${nth}`));
// Once all of these lookups are in progress.
while (new Set(names.asked).size < 12) await new Promise((resolve) => setTimeout(resolve, 5));
const healthy = await wait("healthy");
await Promise.all(hanging);
process.stdout.write(JSON.stringify({ healthy, first: ended[0] }));
process.exit();

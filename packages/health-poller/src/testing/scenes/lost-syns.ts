/** A backend's port swallows every SYN, as a Service without endpoints does, until the backend is up. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { probe, waitUntilReady } from "../../index.ts";

const server = createServer((_, response) => response.end("ok"));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;
const nft = (command: string) => {
  const { status, stderr } = spawnSync("nft", [command]);
  if (status !== 0) throw new Error(stderr.toString());
};
nft("add table inet lost; add chain inet lost input { type filter hook input priority 0; }");
nft(`add rule inet lost input tcp dport ${port} tcp flags syn drop`);

/** TCP resends a lost SYN after a second and after three: by this probe that would add up to 120 s. */
const lastLost = 30;
let started = 0;
let upAtMs = 0;
let mostConnecting = 0;
const url = `http://127.0.0.1:${port}/healthz`;
const sampling = setInterval(() => {
  mostConnecting = Math.max(mostConnecting, connecting());
}, 10);
const { attempts } = await waitUntilReady({
  probe: async (signal) => {
    started += 1;
    const asked = probe({ url, timeoutMs: 5000 }, signal);
    if (started === lastLost) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      nft("delete table inet lost");
      upAtMs = performance.now();
    }
    return asked;
  },
  intervalMs: 20,
  deadlineMs: 60_000,
});
const releasedAfterMs = Math.round(performance.now() - upAtMs);
clearInterval(sampling);
process.stdout.write(
  JSON.stringify({
    lastLost,
    attempts,
    releasedAfterMs,
    mostConnecting,
    stillConnecting: connecting(),
  }),
);
process.exit();

/** Sockets that have sent a SYN and wait: https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt */
function connecting(): number {
  const sent = "02";
  return readFileSync("/proc/net/tcp", "latin1")
    .split("\n")
    .filter((line) => line.trim().split(/\s+/)[3] === sent).length;
}

/**
 * A queue server in its own process: `queue-server.ts MESSAGES [DELAY_MS]`, where the delay applies to each request and each
 * answer. On SIGTERM it logs the CPU time that it used.
 */
import { createLog } from "@kong-serverless/runtime";
import { QueueEmulator } from "@kong-serverless/testing";

import { fair, FaultyQueue } from "./faulty-queue.ts";

const log = createLog("queue-server");
const emulator = await QueueEmulator.start();
const { pathname } = new URL(emulator.createQueue("bench"));
const delayMs = Number(process.argv[3] ?? 0);
let endpoint = String(emulator.env["AWS_ENDPOINT_URL"]);
if (delayMs > 0) {
  const distance = await new FaultyQueue(endpoint).start();
  distance.weather = { ...fair, delayMs };
  endpoint = distance.url;
}
const body = JSON.stringify({ padding: "x".repeat(200) });
for (let sent = 0; sent < Number(process.argv[2]); sent += 1) emulator.send("bench", body);

const before = process.cpuUsage();
log.info(
  { url: `${endpoint}${pathname}`, env: { ...emulator.env, AWS_ENDPOINT_URL: endpoint } },
  "listening",
);

process.on("SIGTERM", () => {
  const { user, system } = process.cpuUsage(before);
  log.info({ cpuSeconds: (user + system) / 1e6, left: emulator.length("bench") }, "stopped");
  process.exit(0);
});

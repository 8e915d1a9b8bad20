/** A queue server in a process of its own: `queue-server.ts MESSAGES`. On SIGTERM it says what CPU time the work has cost it. */
import { createLog } from "@kong-serverless/runtime";
import { QueueEmulator } from "@kong-serverless/testing";

const log = createLog("queue-server");
const emulator = await QueueEmulator.start();
const url = emulator.createQueue("bench");
const body = JSON.stringify({ padding: "x".repeat(200) });
for (let sent = 0; sent < Number(process.argv[2]); sent += 1) emulator.send("bench", body);

const before = process.cpuUsage();
log.info({ url, env: emulator.env }, "listening");

process.on("SIGTERM", () => {
  const { user, system } = process.cpuUsage(before);
  log.info({ cpuSeconds: (user + system) / 1e6, left: emulator.length("bench") }, "stopped");
  process.exit(0);
});

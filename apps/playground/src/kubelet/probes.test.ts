import { createServer, type AddressInfo } from "node:net";

import { expect, it } from "vitest";

import { accepts, succeeds } from "./probes.ts";

const { signal } = new AbortController();
const ask = (script: string, timeoutMs: number, command = process.execPath) =>
  succeeds({ command, args: ["-e", script], cwd: undefined, environment: {}, timeoutMs, signal });

it("probes whether a port accepts connections", async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  expect(await accepts({ host: "127.0.0.1", port }, 10_000, signal)).toBe(true);
  await new Promise((resolve) => server.close(resolve));
  expect(await accepts({ host: "127.0.0.1", port }, 10_000, signal)).toBe(false);
});

it("probes by a command's exit code, and fails if it takes too long or is not there", async () => {
  expect(await ask("", 30_000)).toBe(true);
  expect(await ask("process.exit(1)", 30_000)).toBe(false);
  expect(await ask("setInterval(() => {}, 1000)", 50)).toBe(false);
  expect(await ask("", 30_000, "/no/such/command")).toBe(false);
});

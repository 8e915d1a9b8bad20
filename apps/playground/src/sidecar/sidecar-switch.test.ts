import { expect, it } from "vitest";

import { SidecarSwitch } from "./sidecar-switch.ts";

async function createSwitch() {
  const log: string[] = [];
  const world = { isBroken: false };
  const sidecar = await SidecarSwitch.start(async (port) => {
    log.push(`start at ${port}`);
    if (world.isBroken) throw new Error("broken");
    return { description: "fake", port: port || 4000, stop: async () => void log.push("stop") };
  });
  return { sidecar, log, world };
}

it("starts again at the same port", async () => {
  const { sidecar, log } = await createSwitch();
  await sidecar.turnOff();
  expect(sidecar.isRunning).toBe(false);
  await sidecar.turnOn();
  expect(sidecar.isRunning).toBe(true);
  expect(log).toEqual(["start at 0", "stop", "start at 4000"]);
});

it("turns on and off one after the other, and never twice in a row the same way", async () => {
  const { sidecar, log } = await createSwitch();
  await Promise.all([
    sidecar.turnOff(),
    sidecar.turnOff(),
    sidecar.turnOn(),
    sidecar.turnOn(),
    sidecar.stop(),
  ]);
  expect(log).toEqual(["start at 0", "stop", "start at 4000", "stop"]);
});

it("stays off if it cannot be started, and can be tried again", async () => {
  const { sidecar, world } = await createSwitch();
  await sidecar.turnOff();
  world.isBroken = true;
  await expect(sidecar.turnOn()).rejects.toThrow("broken");
  expect(sidecar.isRunning).toBe(false);
  world.isBroken = false;
  await sidecar.turnOn();
  expect(sidecar.isRunning).toBe(true);
});

import { Gauge, Registry } from "prom-client";
import { expect, it, onTestFinished } from "vitest";

import { OpsServer } from "./ops-server.ts";

async function start(notReady: () => readonly string[] = () => []) {
  const server = new OpsServer({
    host: "127.0.0.1",
    port: 0,
    notReady,
    routes: (app) => app.get("/own", (c) => c.text("mine")),
  });
  const port = await server.start();
  onTestFinished(() => server.stop());
  return { port, get: (path: string) => fetch(`http://127.0.0.1:${port}${path}`) };
}

it("is healthy as long as it answers, and ready when it waits for nothing", async () => {
  const waitingFor: string[] = ["the queue"];
  const { get } = await start(() => waitingFor);
  expect((await get("/healthz")).status).toBe(200);
  const notReady = await get("/readyz");
  expect([notReady.status, await notReady.json()]).toEqual([503, { status: "not ready", waitingFor }]);
  waitingFor.pop();
  expect((await get("/readyz")).status).toBe(200);
});

it("is not healthy while it says that only a restart helps", async () => {
  const faults: string[] = [];
  const server = new OpsServer({ host: "127.0.0.1", port: 0, notReady: () => [], notAlive: () => faults });
  const port = await server.start();
  onTestFinished(() => server.stop());
  const ask = () => fetch(`http://127.0.0.1:${port}/healthz`);
  expect((await ask()).status).toBe(200);
  faults.push("handlers never end");
  const answer = await ask();
  expect([answer.status, await answer.json()]).toEqual([503, { status: "failed", faults }]);
});

it("serves metrics and the routes that were added", async () => {
  const { get } = await start();
  expect((await get("/metrics")).headers.get("content-type")).toContain("text/plain");
  expect(await (await get("/own")).text()).toBe("mine");
});

it("lets other work go on between two metrics", async () => {
  const registry = new Registry();
  const seen: string[] = [];
  for (const name of ["one", "two", "three"]) {
    const gauge = new Gauge({
      name,
      help: name,
      registers: [registry],
      collect() {
        seen.push(name);
        setImmediate(() => seen.push("turn"));
        gauge.set(1);
      },
    });
  }
  const server = new OpsServer({ host: "127.0.0.1", port: 0, notReady: () => [], registry });
  const port = await server.start();
  onTestFinished(() => server.stop());
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(seen.slice(0, 5)).toEqual(["one", "turn", "two", "turn", "three"]);
  expect(text).toBe(await registry.metrics());
});

it("says which port is in use and what changes it", async () => {
  const { port } = await start();
  const second = new OpsServer({ host: "127.0.0.1", port, notReady: () => [] });
  await expect(second.start()).rejects.toMatchObject({
    code: "PORT_UNAVAILABLE",
    message: expect.stringContaining(`Port ${port} on 127.0.0.1 is in use by another process.`) as string,
  });
});

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { Registry } from "prom-client";

import { listen } from "./listen.ts";

export interface OpsServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** What the process is waiting for, shown in `/readyz`; empty when it is ready. */
  readonly notReady: () => readonly string[];
  /** Names what only a restart of the process can cure; `/healthz` then fails. */
  readonly notAlive?: () => readonly string[];
  readonly registry?: Registry;
  /** Adds routes of the process's own. */
  readonly routes?: (app: Hono) => void;
}

/**
 * The HTTP side door of a process, apart from its work: `/healthz` (200 unless the process needs a restart),
 * `/readyz` (200, or 503 with what it waits for) and
 * `/metrics` (Prometheus).
 */
export class OpsServer {
  readonly #server: Server;
  readonly #options: OpsServerOptions;

  constructor(options: OpsServerOptions) {
    this.#options = options;
    const registry = options.registry ?? new Registry();
    const app = new Hono();
    app.get("/healthz", (c) => {
      const faults = options.notAlive?.() ?? [];
      return faults.length === 0 ? c.json({ status: "ok" }) : c.json({ status: "failed", faults }, 503);
    });
    app.get("/readyz", (c) => {
      const waitingFor = options.notReady();
      return waitingFor.length === 0
        ? c.json({ status: "ready" })
        : c.json({ status: "not ready", waitingFor }, 503);
    });
    app.get("/metrics", async (c) =>
      c.text(await exposition(registry), 200, { "content-type": registry.contentType }),
    );
    options.routes?.(app);
    this.#server = createAdaptorServer({ fetch: app.fetch }) as Server;
  }

  /** Resolves with the port it listens on. Fails with PORT_UNAVAILABLE. */
  async start(): Promise<number> {
    await listen(this.#server, { host: this.#options.host, port: this.#options.port, setting: "OPS_PORT" });
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/**
 * All metrics, written one by one with a turn of the event loop in between: `registry.metrics()` blocks it until the last
 * of thousands of series is written.
 */
async function exposition(registry: Registry): Promise<string> {
  const written: string[] = [];
  for (const { name } of registry.getMetricsAsArray()) {
    written.push(await registry.getSingleMetricAsString(name));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return `${written.join("\n\n")}\n`;
}

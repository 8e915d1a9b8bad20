import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { createAdaptorServer } from "@hono/node-server";
import { listen } from "@kong-serverless/runtime";
import { Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";

import type { ColdStarts } from "../cold-starts.ts";
import { errorMessage } from "../error-message.ts";
import type { TargetNames } from "../target-names.ts";
import { Actions } from "./actions.ts";
import { type Asset, contentSecurityPolicy, readAssets } from "./assets.ts";
import { Board } from "./board.ts";
import { type ActionAnswer, actionNames } from "./messages.ts";
import type { PlaygroundView } from "./playground-view.ts";
import { Tabs } from "./tabs.ts";

export interface PageOptions {
  /** 0 takes any free one. */
  readonly port: number;
  readonly view: PlaygroundView;
  readonly targetNames: TargetNames;
  readonly coldStarts: ColdStarts;
  /** The command that starts this playground again, apart from the page's port. */
  readonly startCommand: string;
  /** How long the button's WebSocket stays open. */
  readonly socketMs?: number;
}

const maxTabs = 32;
/** How long a tab has to read the end of its stream. */
const goodbyeMs = 300;
const maxBodyBytes = 1024;
const actionBody = z.strictObject({ target: z.string().optional() });
const actionName = z.enum(actionNames);

/** The playground's page for browsers on this machine: it shows what happens, and has buttons that make it happen. */
export class Page {
  readonly #server: Server;
  readonly #tabs = new Tabs(maxTabs);
  readonly #board: Board;
  readonly #actions: Actions;
  readonly #startCommand: string;
  readonly #stopped = new AbortController();
  #port = 0;

  /** Fails with PORT_UNAVAILABLE. */
  static async start(options: PageOptions): Promise<Page> {
    const page = new Page(options, await readAssets());
    try {
      await listen(page.#server, { host: "127.0.0.1", port: options.port, setting: "--page-port" });
    } catch (error) {
      await page.stop();
      throw error;
    }
    page.#port = (page.#server.address() as AddressInfo).port;
    return page;
  }

  private constructor(
    { view, targetNames, coldStarts, startCommand, socketMs = 30_000 }: PageOptions,
    assets: ReadonlyMap<string, Asset>,
  ) {
    this.#startCommand = startCommand;
    this.#board = new Board({ view, targetNames, coldStarts, tabs: this.#tabs });
    this.#actions = new Actions({
      view,
      socketMs,
      tellOutcome: (action, text, tone) => this.#board.tellOutcome(action, text, tone),
      signal: this.#stopped.signal,
    });
    this.#server = createAdaptorServer({ fetch: this.#routes(assets).fetch }) as Server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Closes every tab's stream, and aborts actions that are under way. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#board.stop();
    this.#tabs.close();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    const impatience = setTimeout(() => this.#server.closeAllConnections(), goodbyeMs);
    await closed;
    clearTimeout(impatience);
  }

  #routes(assets: ReadonlyMap<string, Asset>): Hono {
    const app = new Hono();
    const policy = contentSecurityPolicy(assets.get("/")?.body ?? "");
    app.use(async (c, next) => {
      c.header("Content-Security-Policy", policy);
      c.header("Cross-Origin-Resource-Policy", "same-origin");
      c.header("Referrer-Policy", "no-referrer");
      c.header("X-Content-Type-Options", "nosniff");
      c.header("Cache-Control", "no-store");
      await next();
    });
    app.use(ownOrigin(() => this.#port));
    for (const [path, { body, contentType }] of assets) {
      app.get(path, (c) => c.body(body, 200, { "content-type": contentType }));
    }
    app.get("/events", async (c) => {
      const stream = this.#tabs.open({
        ...(await this.#board.snapshot()),
        startCommand: `${this.#startCommand} --page-port ${this.#port}`,
        unavailable: this.#actions.unavailable,
      });
      return stream
        ? c.body(stream, 200, { "content-type": "text/event-stream", connection: "close" })
        : c.json({ message: `${maxTabs} tabs are open; close one.` }, 503);
    });
    const limit = bodyLimit({
      maxSize: maxBodyBytes,
      onError: (c) => c.json<ActionAnswer>({ message: `Allowed: ${maxBodyBytes} bytes.` }, 413),
    });
    app.post("/actions/:name", limit, async (c) => {
      const name = actionName.safeParse(c.req.param("name"));
      const body = actionBody.safeParse(await c.req.json().catch(() => undefined));
      if (!name.success) return c.json<ActionAnswer>({ message: "There is no such button." }, 404);
      if (c.req.header("content-type") !== "application/json" || !body.success) {
        return c.json<ActionAnswer>({ message: "Allowed: a JSON object, with or without a target." }, 400);
      }
      const { status, message } = await this.#actions.run(name.data, body.data.target);
      return c.json<ActionAnswer>({ message }, status);
    });
    app.onError((error, c) => c.json<ActionAnswer>({ message: errorMessage(error) }, 500));
    return app;
  }
}

/**
 * Refuses requests that other sites' pages may have caused: with a Host that is not this server's name on loopback (DNS
 * rebinding), or with a foreign Origin. A request that acts must name its Origin, as browsers do for every POST.
 */
function ownOrigin(port: () => number): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header("host");
    const isOwnHost = [`127.0.0.1:${port()}`, `localhost:${port()}`].includes(host ?? "");
    const origin = c.req.header("origin");
    const isOwnOrigin = origin === undefined ? c.req.method === "GET" : origin === `http://${host}`;
    if (!isOwnHost || !isOwnOrigin)
      return c.json({ message: "Only this page may ask the playground for that." }, 403);
    return next();
  };
}

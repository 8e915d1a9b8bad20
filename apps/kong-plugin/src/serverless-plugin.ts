import { randomBytes } from "node:crypto";

import type { PluginInstance } from "@kong-serverless/plugin-server";

import type { BackendRouter } from "./backend-router.ts";
import type { Passed } from "./decision.ts";
import type { Destination } from "./destination.ts";
import { Entity, type EntityParts, refusal } from "./entity.ts";
import { KnownRouterMatch, KongFacts } from "./kong-facts.ts";
import type { PortableKong } from "./portable-kong.ts";

/** Kong's own answers when it cannot reach the upstream, loses it, or gets no answer in time. */
const upstreamFailures = new Set([502, 503, 504]);
const sharedKey = "serverless_request";
/** Tells this process's marks from those of an earlier one. */
const processId = randomBytes(6).toString("hex");

/**
 * The plugin for one plugin entity and nginx worker, over Kong's plugin protocol. Kong does not pair `access` with `log`,
 * which runs without the request: `access` marks the request, and `log` ends the request whose mark it finds.
 */
export class ServerlessPlugin implements PluginInstance {
  readonly #parts: EntityParts;
  readonly #entity: Entity;
  readonly #routerMatch = new KnownRouterMatch();

  constructor(config: unknown, parts: EntityParts) {
    this.#parts = parts;
    this.#entity = new Entity(config, parts);
  }

  async access(kong: PortableKong): Promise<void> {
    const destination = await this.#destinationOf(kong);
    if (destination === undefined) return;
    const decision = await destination.decide(new KongFacts(kong, this.#routerMatch));
    if (decision.kind === "pass") await pass(kong, destination, decision);
    if (decision.kind !== "exit") return;
    const { status, body, headers } = decision.answer;
    await kong.response.exit(status, body, headers);
  }

  async log(kong: PortableKong): Promise<void> {
    const [text, status] = await Promise.all([kong.ctx.shared.get(sharedKey), kong.response.getStatus()]);
    const mark = readMark(text);
    const backend = mark && this.#parts.activator.find(mark.backend);
    if (backend === undefined) return;
    if (mark?.id === undefined) backend.strayEnded();
    else backend.ended(mark.id);
    if (upstreamFailures.has(status) && (await kong.response.getSource()) !== "service")
      backend.unreachable();
  }

  close(): void {
    this.#entity.release();
  }

  /** Resolves with undefined when the request is for no backend, or has been refused. */
  async #destinationOf(kong: PortableKong): Promise<Destination | undefined> {
    let router: BackendRouter<Destination>;
    try {
      router = this.#entity.claim().router;
    } catch (error) {
      const { status, body, headers } = refusal(error);
      await kong.response.exit(status, body, headers);
      return undefined;
    }
    if (router.only !== undefined) return router.only;
    const path = router.needsPath ? await kong.request.getPath() : "/";
    const host = router.needsHost ? await kong.request.getHost() : "";
    return router.find(path, host);
  }
}

/** Counts the request, and tells Kong what the backend, the client and `log` should see. */
async function pass(kong: PortableKong, { backend }: Destination, decision: Passed): Promise<void> {
  const { addResponseHeaders = {}, setResponseHeaders = {}, setRequestHeaders = {}, target } = decision;
  const id = backend.begin();
  try {
    // In parallel: when thousands are released, each round trip for one of them delays all others.
    await Promise.all([
      kong.ctx.shared.set(sharedKey, `${processId} ${id} ${backend.name}`),
      ...Object.entries(addResponseHeaders).map(([name, value]) => kong.response.addHeader(name, value)),
      ...Object.entries(setResponseHeaders).map(([name, value]) => kong.response.setHeader(name, value)),
      ...Object.entries(setRequestHeaders).map(([name, value]) =>
        kong.service.request.setHeader(name, value),
      ),
      ...(target === undefined ? [] : [sendTo(kong, target)]),
    ]);
  } catch (error) {
    // The client has left, and nothing is forwarded. If Kong has the mark anyway, ending it twice does no harm.
    backend.ended(id);
    throw error;
  }
}

async function sendTo(
  kong: PortableKong,
  { host, port, hostHeader }: NonNullable<Passed["target"]>,
): Promise<void> {
  await kong.service.setTarget(host, port);
  await kong.service.request.setHeader("host", hostHeader ?? (await kong.request.getHeader("host")) ?? host);
}

/** Without an id, the mark is from an earlier process. */
function readMark(text: unknown): { readonly backend: string; readonly id?: number } | undefined {
  if (typeof text !== "string") return undefined;
  const [process, id, backend = ""] = text.split(" ");
  return process === processId ? { backend, id: Number(id) } : { backend };
}

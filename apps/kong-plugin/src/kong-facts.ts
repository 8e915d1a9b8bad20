import { clientKey } from "./client-key.ts";
import { isStopping, type PortableKong, leaveSignal } from "./portable-kong.ts";
import type { RouterMatch } from "./probe-target.ts";
import type { RequestFacts } from "./request-facts.ts";

/** The facts of a request over Kong's plugin protocol: each costs a call to Kong, made only when needed. */
export class KongFacts implements RequestFacts {
  readonly arrivedAtMs = performance.now();
  readonly #kong: PortableKong;
  readonly #routerMatch: KnownRouterMatch;

  constructor(kong: PortableKong, routerMatch: KnownRouterMatch) {
    this.#kong = kong;
    this.#routerMatch = routerMatch;
  }

  get signal(): AbortSignal | undefined {
    return leaveSignal(this.#kong);
  }

  get isStopping(): boolean {
    return isStopping(this.#kong);
  }

  path(): Promise<string> {
    return this.#kong.request.getPath();
  }

  method(): Promise<string> {
    return this.#kong.request.getMethod();
  }

  header(name: string): Promise<string | undefined> {
    return this.#kong.request.getHeader(name);
  }

  async client(): Promise<string> {
    const { client } = this.#kong;
    const [consumer, ip] = await Promise.all([client.getConsumer(), client.getForwardedIp()]);
    return clientKey(consumer?.id, ip);
  }

  routerMatch(): Promise<RouterMatch> {
    return this.#routerMatch.ask(this.#kong);
  }
}

/** Route and service belong to the plugin instance, not to the request: they are asked for once. */
export class KnownRouterMatch {
  #asked: Promise<RouterMatch> | undefined;

  async ask(kong: PortableKong): Promise<RouterMatch> {
    try {
      return await (this.#asked ??= askRouter(kong));
    } catch {
      this.#asked = undefined;
      // The client of the request that asked has left; this one asks for itself.
      return askRouter(kong);
    }
  }
}

async function askRouter(kong: PortableKong): Promise<RouterMatch> {
  const [service, route] = await Promise.all([kong.router.getService(), kong.router.getRoute()]);
  return { service, route };
}

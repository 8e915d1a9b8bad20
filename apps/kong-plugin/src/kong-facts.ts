import { clientKey } from "./client-key.ts";
import { isStopping, type Kong, leaveSignal } from "./kong.ts";
import type { Origin } from "./probe-target.ts";
import type { RequestFacts } from "./request-facts.ts";

/** The facts of a request over Kong's plugin protocol: each costs a call to Kong, made only when needed. */
export class KongFacts implements RequestFacts {
  readonly arrivedAtMs = performance.now();
  readonly #kong: Kong;
  readonly #origin: KnownOrigin;

  constructor(kong: Kong, origin: KnownOrigin) {
    this.#kong = kong;
    this.#origin = origin;
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

  origin(): Promise<Origin> {
    return this.#origin.ask(this.#kong);
  }
}

/** Route and service belong to the plugin instance, not to the request: they are asked for once. */
export class KnownOrigin {
  #asked: Promise<Origin> | undefined;

  async ask(kong: Kong): Promise<Origin> {
    try {
      return await (this.#asked ??= askForOrigin(kong));
    } catch {
      this.#asked = undefined;
      // The client of the request that asked has left, which says nothing about this one.
      return askForOrigin(kong);
    }
  }
}

async function askForOrigin(kong: Kong): Promise<Origin> {
  const [service, route] = await Promise.all([kong.router.getService(), kong.router.getRoute()]);
  return { service, route };
}

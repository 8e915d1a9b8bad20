import type { LookupAddress, RecordWithTtl } from "node:dns";
import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";

import { pause } from "@kong-serverless/runtime";

import { type SystemNames, SystemNamesReader } from "./system-names.ts";

/** The addresses of a name, and how long its server says they are valid. */
export interface ResolvedName {
  readonly addresses: readonly LookupAddress[];
  readonly ttlMs: number;
}

export interface NameResolverOptions {
  readonly names?: SystemNamesReader;
  /** Name servers, as `host:port`. Default: the machine's. */
  readonly servers?: readonly string[];
}

/** A silent name server is asked once more, with twice the timeout; then the query fails. */
const queryTimeoutMs = 500;
const queryTries = 2;
/** How long the addresses of one family wait for those of the other: https://www.rfc-editor.org/rfc/rfc8305#section-3 */
const otherFamilyMs = 50;
const hostsTtlMs = 1000;

/**
 * Looks up names as getaddrinfo does (hosts file, search domains, then the name server), but without its four threads:
 * queries go through c-ares on the event loop, so that hanging ones do not hold up others. See docs/adr/0007.
 */
export class NameResolver {
  readonly #names: SystemNamesReader;
  readonly #servers: readonly string[] | undefined;
  #known: SystemNames | undefined;
  #resolver: Resolver | undefined;

  constructor({ names = new SystemNamesReader(), servers }: NameResolverOptions = {}) {
    this.#names = names;
    this.#servers = servers;
  }

  /** Rejects with ENOTFOUND, or with the name server's failure. */
  async resolve(hostname: string): Promise<ResolvedName> {
    const names = this.#names.read();
    const name = hostname.toLowerCase();
    const bare = name.replace(/\.$/, "");
    const listed = names.hosts.get(bare) ?? loopbackOf(bare);
    if (listed !== undefined) return { addresses: listed.map(addressOf), ttlMs: hostsTtlMs };

    const resolver = this.#resolverFor(names);
    let failure: Error | undefined;
    for (const candidate of candidatesFor(name, names)) {
      const found = await ask(resolver, candidate);
      if (found.records.length > 0) return resolved(found.records);
      failure ??= found.failure;
    }
    throw failure ?? Object.assign(new Error(`lookup ENOTFOUND ${hostname}`), { code: "ENOTFOUND" });
  }

  /** A resolver reads the machine's name servers only when it is created. */
  #resolverFor(names: SystemNames): Resolver {
    if (this.#resolver !== undefined && names === this.#known) return this.#resolver;
    this.#known = names;
    this.#resolver = new Resolver({ timeout: queryTimeoutMs, tries: queryTries });
    if (this.#servers !== undefined) this.#resolver.setServers(this.#servers);
    return this.#resolver;
  }
}

/** A name with enough dots is tried as it stands first, otherwise last. With a trailing dot, no search domain is tried. */
function candidatesFor(name: string, { search, ndots }: SystemNames): string[] {
  if (name.endsWith(".")) return [name];
  const below = search.map((domain) => `${name}.${domain}`);
  const dots = name.split(".").length - 1;
  return dots >= ndots ? [name, ...below] : [...below, name];
}

/** Queries both families at once. `failure` is a name server's error; that a name does not exist is an answer. */
async function ask(
  resolver: Resolver,
  name: string,
): Promise<{ readonly records: readonly RecordWithTtl[]; readonly failure?: Error }> {
  const records: RecordWithTtl[] = [];
  let failure: Error | undefined;
  const families = [resolver.resolve4(name, { ttl: true }), resolver.resolve6(name, { ttl: true })].map(
    async (answer) => {
      try {
        records.push(...(await answer));
      } catch (error) {
        if (!isAbsence(error as NodeJS.ErrnoException)) failure = error as Error;
      }
    },
  );
  await Promise.race(families);
  const both = Promise.all(families);
  if (records.length === 0) await both;
  else await atMost(otherFamilyMs, both);
  return { records: [...records], ...(failure !== undefined && { failure }) };
}

async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  const settled = new AbortController();
  await Promise.race([promise, pause(ms, settled.signal)]);
  settled.abort();
}

function resolved(records: readonly RecordWithTtl[]): ResolvedName {
  const addresses = records.map(({ address }) => addressOf(address));
  return {
    addresses: addresses.toSorted((a, b) => a.family - b.family),
    ttlMs: Math.min(...records.map(({ ttl }) => ttl)) * 1000,
  };
}

function isAbsence({ code }: NodeJS.ErrnoException): boolean {
  return code === "ENOTFOUND" || code === "ENODATA";
}

/** https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
function loopbackOf(name: string): readonly string[] | undefined {
  return name === "localhost" || name.endsWith(".localhost") ? ["127.0.0.1", "::1"] : undefined;
}

function addressOf(address: string): LookupAddress {
  return { address, family: isIP(address) };
}

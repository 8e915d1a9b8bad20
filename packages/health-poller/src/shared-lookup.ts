import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";

export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

/** How long an answer is used again: short enough not to be noticed when a name moves. */
const keepMs = 1000;

/**
 * Looks host names up for connections, each name once at a time and once a second.
 *
 * A sleeping backend refuses its connections, so every probe opens a new one, fifty a second, and each lookup of a
 * Service's name is several questions to the cluster's DNS. They also share four threads with all else in the process: a
 * name server that hangs for one backend's name would otherwise hold up the probes of all.
 */
export class SharedLookup {
  readonly #resolve: Resolve;
  readonly #answers = new Map<string, Promise<LookupAddress[]>>();

  constructor(resolve: Resolve = (hostname) => lookup(hostname, { all: true })) {
    this.#resolve = resolve;
  }

  /** For the `lookup` option of a connection or agent. */
  readonly lookup: LookupFunction = (hostname, { all }, callback) => {
    // Called outside the promise: what a callback throws is no failed lookup.
    this.#addressesOf(hostname).then(
      (addresses) => {
        const [{ address, family } = { address: "", family: 0 }] = addresses;
        if (all === true) process.nextTick(callback, null, addresses);
        else process.nextTick(callback, null, address, family);
      },
      (error: unknown) => process.nextTick(callback, error, ""),
    );
  };

  #addressesOf(hostname: string): Promise<LookupAddress[]> {
    const known = this.#answers.get(hostname);
    if (known !== undefined) return known;
    const answer = this.#resolve(hostname);
    this.#answers.set(hostname, answer);
    const forget = () => this.#answers.delete(hostname);
    // A name that is not known now may be known a moment later: only an address is worth keeping.
    answer.then(() => setTimeout(forget, keepMs).unref(), forget);
    return answer;
  }
}

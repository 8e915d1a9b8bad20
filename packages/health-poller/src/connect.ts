import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";

export interface ConnectOptions {
  /** A name or an address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Milliseconds that connecting to each address may take. */
  readonly limitMs: number;
  readonly lookup: LookupFunction;
  /** Gives the connection up when it aborts. Must not have aborted yet. */
  readonly signal: AbortSignal;
}

/** Node's least, for the time that one of several addresses has: https://nodejs.org/api/net.html */
const leastAttemptMs = 10;

/**
 * Connects, or gives up a connection that takes too long to establish. Without a limit, a lost SYN costs the second until TCP
 * resends it: a Service without endpoints refuses the first few connections, then the kernel's ICMP limit drops all but one
 * refusal a second.
 */
export function connect({ host, port, limitMs, lookup, signal }: ConnectOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    /** The limit counts from when the addresses are known. */
    const limit = (addresses: number) => {
      const totalMs = limitMs * addresses;
      const giveUp = () => {
        if (socket.connecting) socket.destroy(new Error(`no connection within ${totalMs} ms`));
      };
      // After a busy turn, timers fire before the network is polled: a connection made in the meantime must win.
      timer = setTimeout(() => setImmediate(giveUp), totalMs);
    };
    const socket = connectTcp({
      host,
      port,
      noDelay: true,
      autoSelectFamilyAttemptTimeout: Math.max(leastAttemptMs, limitMs),
      lookup: (hostname, options, callback) => {
        lookup(hostname, options, (error, address, family) => {
          if (error === null && socket.connecting) limit(Array.isArray(address) ? address.length : 1);
          callback(error, address, family);
        });
      },
    });
    if (isIP(host) !== 0) limit(1);

    const onAbort = () => socket.destroy(signal.reason);
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.removeListener("connect", onConnect);
      socket.removeListener("error", onError);
    };
    const onConnect = () => {
      settle();
      resolve(socket);
    };
    const onError = (error: Error) => {
      settle();
      reject(error);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("connect", onConnect);
    socket.on("error", onError);
  });
}

import type { Server } from "node:http";

/** How often connections are looked through for those whose last request has ended. */
const sweepMs = 50;

export interface StopServerOptions {
  readonly graceMs: number;
  /** Cuts the connections that were upgraded, which the HTTP server counts but no longer knows. */
  readonly cutUpgraded: () => void;
}

/**
 * Stops listening, lets open requests end, and cuts those that have not after `graceMs`.
 * Resolves with the number of connections that it cut.
 */
export async function stopServer(
  server: Server,
  { graceMs, cutUpgraded }: StopServerOptions,
): Promise<number> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // A kept connection whose request ends after close() would stay open until its client or the keep-alive time ends it.
  const sweep = setInterval(() => server.closeIdleConnections(), sweepMs);
  let cut = 0;
  const limit = setTimeout(() => {
    server.getConnections((_, count) => {
      cut = count;
      server.closeAllConnections();
      cutUpgraded();
    });
  }, graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(limit);
  return cut;
}

import type { Server } from "node:http";

/** How often connections are checked for those whose last request has ended. */
const sweepMs = 50;

export interface StopServerOptions {
  readonly graceMs: number;
  /** Cuts upgraded connections, which the HTTP server still counts but can no longer close. */
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
  // A keep-alive connection whose request ends after close() would otherwise stay open until its client or a timeout ends it.
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

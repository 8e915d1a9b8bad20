import { PluginServerConnection } from "./plugin-server-connection.ts";

/** OpenResty keeps at most this many idle connections per worker, for this long. */
const maxIdle = 30;
const maxIdleMs = 60_000;

interface IdleConnection {
  readonly connection: PluginServerConnection;
  readonly timer: NodeJS.Timeout;
}

/** A worker's connections to the plugin server: each carries one call at a time and is then reused. */
export class ConnectionPool {
  readonly #open: () => Promise<PluginServerConnection>;
  readonly #idle: IdleConnection[] = [];
  readonly #used = new Set<PluginServerConnection>();
  #isClosed = false;

  constructor(open: () => Promise<PluginServerConnection>) {
    this.#open = open;
  }

  async take(): Promise<PluginServerConnection> {
    if (this.#isClosed) throw new Error("the host was closed");
    const connection = this.#takeIdle() ?? (await this.#open());
    this.#used.add(connection);
    return connection;
  }

  /** Takes back a connection whose call is over. */
  keep(connection: PluginServerConnection): void {
    this.#used.delete(connection);
    if (!connection.isOpen || this.#idle.length >= maxIdle) {
      connection.close();
      return;
    }
    const timer = setTimeout(() => connection.close(), maxIdleMs).unref();
    this.#idle.push({ connection, timer });
  }

  /** Closes a connection that must not be used again. */
  drop(connection: PluginServerConnection): void {
    this.#used.delete(connection);
    connection.close();
  }

  /** Closes every connection for good: events in progress fail and are not retried. */
  closeAll(): void {
    this.#isClosed = true;
    for (const connection of this.#used) connection.close();
    for (let idle = this.#takeIdle(); idle; idle = this.#takeIdle()) idle.close();
  }

  #takeIdle(): PluginServerConnection | undefined {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      clearTimeout(idle.timer);
      if (idle.connection.isOpen) return idle.connection;
    }
    return undefined;
  }
}

import type { Server } from "node:net";

import { ServerlessError } from "./error.ts";

export interface ListenAddress {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** The flag or variable that changes the port, for the error message. */
  readonly setting?: string;
}

/** Resolves once the server listens. Fails with PORT_UNAVAILABLE, which names the port and the setting that changes it. */
export function listen(server: Server, { host, port, setting = "PORT" }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === "EADDRINUSE" ? "is in use by another process" : `cannot be opened (${cause.code})`;
      reject(
        new ServerlessError(
          "PORT_UNAVAILABLE",
          `Port ${port} on ${host} ${why}. Choose another with ${setting}.`,
          { cause },
        ),
      );
    };
    server.once("error", onError);
    server.listen(port, host, () => {
      server.off("error", onError);
      resolve();
    });
  });
}

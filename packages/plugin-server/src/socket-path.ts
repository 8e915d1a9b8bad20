import { randomBytes } from "node:crypto";
import { chmod, lstat, rename, rm } from "node:fs/promises";
import type { Server } from "node:net";
import { dirname, join } from "node:path";

import { ServerlessError } from "@kong-serverless/runtime";

/**
 * Connections that may wait to be accepted: as many as the kernel allows, which is net.core.somaxconn, 4096 unless raised.
 * libuv accepts one in each turn of the loop, so a burst has to wait here; what does not fit is refused, and Kong answers 500.
 */
const backlog = 65_535;

/** A unix socket that a server listens on, and the file that leads to it. */
export interface BoundSocket {
  /** Whether the path still leads here: another server may have taken it over. */
  isCurrent(): Promise<boolean>;
  /** Removes the file, unless another server has taken the path over meanwhile. */
  remove(): Promise<void>;
}

/**
 * Makes `server` listen on the unix socket at `path`, even while another server still does: the other keeps the
 * connections that it has, and every new one comes here. The file gets `mode`. Fails with SOCKET_UNAVAILABLE.
 */
export async function bindSocket(server: Server, path: string, mode: number): Promise<BoundSocket> {
  // Bound beside its place and then moved there, so that the path never leads nowhere. The name is random rather than
  // the process's id, which is 1 in every container that shares the directory.
  const temporaryPath = join(dirname(path), `.${randomBytes(4).toString("hex")}`);
  try {
    await refuseOtherFiles(path);
    await listenOn(server, temporaryPath);
    await chmod(temporaryPath, mode);
    const { dev, ino } = await lstat(temporaryPath);
    await rename(temporaryPath, path);
    const isCurrent = async () => {
      const found = await lstat(path).catch(() => undefined);
      return found?.dev === dev && found.ino === ino;
    };
    return {
      isCurrent,
      async remove() {
        if (await isCurrent()) await rm(path, { force: true });
      },
    };
  } catch (cause) {
    await rm(temporaryPath, { force: true });
    const { message } = cause as Error;
    throw new ServerlessError("SOCKET_UNAVAILABLE", `The socket ${path} cannot be made: ${message}`, {
      cause,
    });
  }
}

async function refuseOtherFiles(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found && !found.isSocket()) throw new Error("a file of this name exists and is not a socket");
}

function listenOn(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

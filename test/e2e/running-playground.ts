import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { spawnApp, type SpawnedApp } from "@kong-serverless/testing";

export const workspace = join(import.meta.dirname, "../..");

/** What it says once it is up; its gateway's address. */
const up = /curl (http:\S+)\/ /;
/** A second is enough, but not on a machine with other work. */
const startMs = 60_000;

type TemporaryFolder = Awaited<ReturnType<typeof mkdtempDisposable>>;

/** What `pnpm demo` runs. `await using` stops it at the end of a test, so tests of one file can run side by side. */
export class RunningPlayground implements AsyncDisposable {
  static #lastStart: Promise<void> = Promise.resolve();
  readonly app: SpawnedApp;
  readonly #folder: TemporaryFolder;

  private constructor(app: SpawnedApp, folder: TemporaryFolder) {
    this.app = app;
    this.#folder = folder;
  }

  /**
   * Starts it on any free port, with the stand-in for daprd, which is available everywhere. The tests of one file wait for
   * one another's starts: all at once, they would take the machine from everything else.
   */
  static async spawn(
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<RunningPlayground> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const former = this.#lastStart;
    this.#lastStart = promise;
    await former;
    const folder = await mkdtempDisposable(join(tmpdir(), "playground-"));
    const app = spawnApp({
      entry: join(workspace, "apps/playground/dist/main.js"),
      args: ["--daprd", "no-such-daprd", "--port", "0", ...args],
      env: { TMPDIR: folder.path, ...env },
    });
    const hasStarted = () => resolve();
    void app.waitForOutput(/curl http/, { timeoutMs: startMs }).then(hasStarted, hasStarted);
    return new RunningPlayground(app, folder);
  }

  /** Where its temporary files land, and nobody else's. */
  get temporaryFolder(): string {
    return this.#folder.path;
  }

  /** The gateway's address, without a slash at its end, once the playground is up. */
  async url(): Promise<string> {
    const [, url = ""] = await this.app.waitForOutput(up, { timeoutMs: startMs });
    return url;
  }

  /** The address of its page. */
  async pageUrl(): Promise<string> {
    const [, url = ""] = await this.app.waitForOutput(/See it live.*: (http:\S+)/, { timeoutMs: startMs });
    return url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.app.stop("SIGTERM");
    } finally {
      await this.#folder.remove();
    }
  }
}

import { type ChildProcess as NodeChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { sleep } from "@kong-serverless/runtime";

export interface ChildProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Undefined: the playground's own. */
  readonly cwd?: string;
  /** The whole environment: none of the playground's own leaks into it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called for each line that the process writes to stdout or stderr. */
  readonly onLine: (line: string) => void;
}

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/**
 * A process in its own process group: Ctrl-C in the terminal reaches only the playground, which then stops the rest in
 * order. What the process starts ends with it, as in a container.
 */
export class ChildProcess {
  readonly #process: NodeChildProcess;
  /** Resolves when the process has ended; never rejects. A command that cannot be started ends with code 127. */
  readonly exited: Promise<Exit>;
  #exit: Exit | undefined;
  #isStopping = false;

  constructor({ command, args, cwd, environment, onLine }: ChildProcessOptions) {
    this.#process = spawn(command, args, {
      ...(cwd !== undefined && { cwd }),
      env: environment,
      // Nothing is written to its standard input: its end means that the playground has ended (see node-app.ts).
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream) createInterface({ input: stream }).on("line", onLine);
    }
    this.exited = new Promise((resolve) => {
      this.#process.once("error", (error) => {
        onLine(error.message);
        resolve({ code: 127, signal: null });
      });
      this.#process.once("exit", (code, signal) => {
        this.#killGroup();
        resolve({ code, signal });
      });
    });
    // Its processes end with the playground, however that ends.
    const kill = () => this.kill();
    process.once("exit", kill);
    void this.exited.then((exit) => {
      this.#exit = exit;
      process.off("exit", kill);
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  /**
   * SIGTERM, then SIGKILL to what is left after `graceMs`. Resolves when the process has ended. A second call may
   * shorten the time.
   */
  async stop(graceMs: number): Promise<void> {
    if (!this.isRunning) return;
    const patience = new AbortController();
    // The apps treat a second SIGTERM as impatience, and exit without finishing their work.
    if (!this.#isStopping) this.#process.kill("SIGTERM");
    this.#isStopping = true;
    void sleep(graceMs, patience.signal).then(
      () => this.kill(),
      () => {},
    );
    await this.exited;
    patience.abort();
  }

  /** SIGKILL, to the process and whatever it started. */
  kill(): void {
    if (this.isRunning) this.#killGroup();
  }

  #killGroup(): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // Nobody is left in it.
    }
  }
}

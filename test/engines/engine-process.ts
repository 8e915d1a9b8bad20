import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";

export interface EngineOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Gets its whole output. */
  readonly logFile: string;
}

const stopTimeoutMs = 10_000;
const lastLines = 15;

/** A real component, as a process on this machine. */
export class EngineProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  #said = "";

  constructor({ command, args, env, logFile }: EngineOptions) {
    this.#name = command;
    this.#child = spawn(command, args, {
      env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const log = createWriteStream(logFile, { flags: "a" });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#said = (this.#said + chunk.toString()).slice(-20_000);
        log.write(chunk);
      });
    }
    this.#child.once("close", () => log.end());
    this.#child.once("error", (error) => (this.#said += String(error)));
  }

  /** Resolves once `isUp` no longer rejects; rejects if the process exits or the time is up. */
  async until(isUp: () => Promise<unknown>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      try {
        await isUp();
        return;
      } catch (error) {
        const hasEnded = this.#child.exitCode !== null || this.#child.signalCode !== null;
        if (hasEnded || performance.now() > deadline) {
          const said = this.#said.split("\n").slice(-lastLines).join("\n");
          throw new Error(`${this.#name} is not up after ${timeoutMs} ms (${String(error)}):\n${said}`, {
            cause: error,
          });
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), stopTimeoutMs);
    await exited;
    clearTimeout(timer);
  }
}

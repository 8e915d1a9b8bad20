import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A line of a process's log: see `createLog` in @kong-serverless/runtime. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string };

export interface SpawnAppOptions {
  /** The script that the process runs: a .ts source or a bundle. */
  readonly entry: string;
  readonly args?: readonly string[];
  /** The whole environment of the process; only PATH is added. */
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArgs?: readonly string[];
  /** The directory that the process works in; that of this process unless given. */
  readonly cwd?: string;
}

/** How long a test waits for a process unless it says otherwise: seconds are enough, but not on a machine with other work. */
const patienceMs = 30_000;

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Starts a Node process whose log a test can wait on. `await using` kills it at the end of the test. */
export function spawnApp({ entry, args = [], env = {}, nodeArgs = [], cwd }: SpawnAppOptions): SpawnedApp {
  const child = spawn(process.execPath, [...nodeArgs, entry, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    cwd,
  });
  return new SpawnedApp(child);
}

/** A running child process with what it has said so far. */
export class SpawnedApp {
  /** The lines of JSON on its stdout, in order. */
  readonly log: LogLine[] = [];
  /** Everything else that it wrote, on stdout or stderr. */
  output = "";
  /** Resolves once the process has ended and all that it wrote was read. */
  readonly exited: Promise<ExitStatus>;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();

  constructor(child: ChildProcess) {
    this.#child = child;
    this.exited = once(child, "close").then(([code, signal]) => ({ code, signal }));
    const { stdout, stderr } = child;
    if (stdout !== null) createInterface({ input: stdout }).on("line", (line) => this.#read(line));
    stderr?.on("data", (chunk: Buffer) => {
      this.output += chunk.toString();
      this.#tellWatchers();
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves with the first line, past or to come, of this event that `matches`; fails when the process ends or time is up. */
  waitFor(
    event: string,
    {
      matches = () => true,
      timeoutMs,
    }: { readonly matches?: (line: LogLine) => boolean; readonly timeoutMs?: number } = {},
  ): Promise<LogLine> {
    const find = () => this.log.find((line) => line.event === event && matches(line));
    return this.#until(find, `log event ${event}`, timeoutMs);
  }

  /** Resolves with where `pattern` is found in what it wrote besides its log; fails when the process ends or time is up. */
  waitForOutput(
    pattern: RegExp,
    { timeoutMs }: { readonly timeoutMs?: number } = {},
  ): Promise<RegExpExecArray> {
    return this.#until(() => pattern.exec(this.output), `output ${String(pattern)}`, timeoutMs);
  }

  async #until<Found>(
    find: () => Found | undefined | null,
    what: string,
    timeoutMs = patienceMs,
  ): Promise<Found> {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const look = () => {
      const found = find();
      if (found !== undefined && found !== null) resolve(found);
    };
    const fail = (why: string) => reject(new Error(`no ${what} ${why}; ${this.#said()}`));
    const timer = setTimeout(() => fail(`within ${timeoutMs} ms`), timeoutMs);
    this.#watchers.add(look);
    void this.exited.then(({ code, signal }) => fail(`before the process ended (${signal ?? code})`));
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(look);
    }
  }

  /** Sends a signal and does not wait for what comes of it. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /**
   * Sends a signal and resolves once the process has ended, or at once if it already has; fails, and kills it, when that
   * takes longer than `timeoutMs`.
   */
  async stop(signal: NodeJS.Signals = "SIGTERM", timeoutMs = patienceMs): Promise<ExitStatus> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.exited;
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), timeoutMs);
    const status = await this.exited;
    clearTimeout(timer);
    if (status.signal === "SIGKILL" && signal !== "SIGKILL") {
      throw new Error(`still running ${timeoutMs} ms after ${signal}; ${this.#said()}`);
    }
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  #read(line: string): void {
    const parsed = parseLine(line);
    if (parsed === undefined) this.output += `${line}\n`;
    else this.log.push(parsed);
    this.#tellWatchers();
  }

  #tellWatchers(): void {
    for (const look of this.#watchers) look();
  }

  #said(): string {
    return `it said:\n${this.log.map((line) => JSON.stringify(line)).join("\n")}\n${this.output}`;
  }
}

function parseLine(line: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "event" in value ? (value as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

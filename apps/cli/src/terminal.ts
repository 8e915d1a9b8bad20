import type { WriteStream } from "node:tty";
import { styleText } from "node:util";

import { printable } from "@kong-serverless/runtime";

import type { Shell } from "./shell.ts";

/** How a command writes its result and messages about the run. */
export type Terminal = Pick<Shell, "print" | "tell" | "progress">;

export interface TerminalOptions {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /**
   * False with `--no-color`. Otherwise a stream has colours if it is a terminal; NO_COLOR and FORCE_COLOR are obeyed.
   */
  readonly isColored: boolean;
  /** False if a program reads the result. */
  readonly showsProgress: boolean;
}

/** Shorter steps need no explanation. */
const patienceMs = 1000;
const clearLine = "\r\u001B[K";

/** Writes to a process's streams. Escapes control characters, which may come from manifests and servers. */
export class ProcessTerminal implements Terminal {
  readonly #options: TerminalOptions;
  #step = "";
  #patience: NodeJS.Timeout | undefined;
  #isShown = false;

  constructor(options: TerminalOptions) {
    this.#options = options;
  }

  readonly print = (text: string): void => this.#write(this.#options.stdout, text);

  readonly tell = (text: string): void => this.#write(this.#options.stderr, text);

  /** On a terminal, one line that changes; elsewhere, a line for each step that takes more than a second. */
  readonly progress = (step: string): void => {
    if (!this.#options.showsProgress) return;
    this.#step = printable(step);
    if (this.#isShown) return this.#show();
    if (this.#tty === undefined) this.#endPatience();
    this.#patience ??= setTimeout(() => this.#show(), patienceMs).unref();
  };

  /** Clears the progress line. */
  readonly endProgress = (): void => {
    this.#endPatience();
    if (this.#isShown) this.#tty?.write(clearLine);
    this.#isShown = false;
  };

  get #tty(): WriteStream | undefined {
    const stream = this.#options.stderr as WriteStream;
    return stream.isTTY ? stream : undefined;
  }

  #show(): void {
    const line = `${this.#step} ...`;
    if (this.#tty === undefined) {
      this.#options.stderr.write(`${line}\n`);
      return;
    }
    this.#tty.write(clearLine + line.slice(0, (this.#tty.columns || 80) - 1));
    this.#isShown = true;
  }

  #endPatience(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  #write(stream: NodeJS.WritableStream, text: string): void {
    this.endProgress();
    const safe = printable(text, { lines: true });
    stream.write(`${this.#options.isColored ? colored(safe, stream) : safe}\n`);
  }
}

/** Only the first word of a line: `error CODE`, `warning CODE`, an error's code, or the mark of a difference. */
const marks: readonly (readonly [RegExp, "red" | "yellow" | "green"])[] = [
  [/^(?:error(?= [A-Z_]+$)|error:|[A-Z_]{4,}(?=: )|-(?= ))/gm, "red"],
  [/^(?:warning(?= [A-Z_]+$)|~(?= ))/gm, "yellow"],
  [/^\+(?= )/gm, "green"],
];

function colored(text: string, stream: NodeJS.WritableStream): string {
  return marks.reduce(
    (before, [mark, color]) => before.replace(mark, (word) => styleText(color, word, { stream })),
    text,
  );
}

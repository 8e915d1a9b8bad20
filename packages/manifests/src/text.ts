import { constants } from "node:buffer";
import { readFile, stat } from "node:fs/promises";

import { ConfigError } from "@kong-serverless/config";

/** More than any folder of manifests has; a rendered one of a thousand objects has about 2 MiB. */
const maxTextBytes = Math.min(32 * 1024 * 1024, constants.MAX_STRING_LENGTH);

/** Reads a file of manifests. Throws a ConfigError for what is no file of UTF-8 text, without waiting for anything. */
export async function readText(path: string, shown: string): Promise<string> {
  const fail = (issue: string) => new ConfigError(shown, [issue]);
  try {
    const stats = await stat(path);
    // Opening a pipe waits for its writer, and a device may never end.
    if (stats.isFIFO()) throw fail("is a pipe; give `-` and redirect it to the standard input");
    if (stats.isDirectory()) throw fail("is a folder where a file is wanted");
    if (!stats.isFile()) throw fail("is neither a file nor a folder");
    if (stats.size > maxTextBytes) throw fail(tooLarge(stats.size));
    return decodeText(await readFile(path), shown);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw fail(`cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`);
  }
}

/** Reads a stream to its end. Rejects with the signal's reason when it aborts first. */
export async function readStream(
  stream: NodeJS.ReadableStream,
  { shown, signal }: { readonly shown: string; readonly signal: AbortSignal },
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const { promise: left, reject } = Promise.withResolvers<never>();
  const leave = () => reject(signal.reason as Error);
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  const read = async () => {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > maxTextBytes) throw new ConfigError(shown, [tooLarge(size)]);
      chunks.push(bytes);
    }
    return decodeText(Buffer.concat(chunks), shown);
  };
  try {
    return await Promise.race([read(), left]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function decodeText(bytes: Buffer, shown: string): string {
  if (looksLikeUtf16(bytes)) {
    throw new ConfigError(shown, [
      "is UTF-16, as PowerShell's `>` writes it; manifests are UTF-8 (`| Out-File -Encoding utf8`, or `iconv -f utf-16 -t utf-8`)",
    ]);
  }
  try {
    // A mark at the start is taken away.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError(shown, ["is not UTF-8 text"]);
  }
}

function looksLikeUtf16(bytes: Buffer): boolean {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  // Without a mark: ASCII has every other byte zero.
  return bytes.length > 3 && (first === 0) !== (second === 0) && (bytes[2] === 0) !== (bytes[3] === 0);
}

function tooLarge(bytes: number): string {
  return `has ${bytes} bytes; at most ${maxTextBytes} are read`;
}

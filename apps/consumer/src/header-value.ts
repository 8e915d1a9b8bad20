import { createHash } from "node:crypto";

/** Servers refuse header lines of a few kilobytes, and the request with them. */
const maxLength = 512;

/**
 * Turns any text into a header's value: visible ASCII except `%` stays as it is, everything else is percent-encoded UTF-8, so that
 * different texts stay different. A value that would be longer than 512 characters becomes `sha256:` and the text's hash.
 */
export function toHeaderValue(text: string): string {
  const encoded = text
    .toWellFormed()
    .replace(/[^\x21-\x24\x26-\x7e]+/g, (unsafe) =>
      [...Buffer.from(unsafe)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
    );
  if (encoded.length <= maxLength) return encoded;
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

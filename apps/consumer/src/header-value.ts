import { createHash } from "node:crypto";

/** Header lines of a few kilobytes are refused by servers, together with the work that they come with. */
const maxLength = 512;

/**
 * Any text as a header's value: visible ASCII except `%` stays as it is, everything else is percent-encoded UTF-8, so that different texts
 * stay different. What would be longer than 512 characters becomes `sha256:` and its hash.
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

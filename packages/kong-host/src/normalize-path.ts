/** Reserved characters of a URI: Kong leaves them encoded as they came. */
const reserved = "!*'();:@&=+$,/?%#[]";

/**
 * The path as `kong.request.get_path` shows it: percent-decoded but for reserved characters, without dot segments, and
 * with every run of slashes as one.
 */
export function normalizePath(path: string): string {
  const decoded = path.replace(/(?:%[0-9a-f]{2})+/gi, decodeRun);
  const segments: string[] = [];
  const parts = decoded.split("/");
  const last = parts.at(-1);
  for (const part of parts) {
    if (part === "..") segments.pop();
    else if (part !== "" && part !== ".") segments.push(part);
  }
  const isDirectory = last === "" || last === "." || last === "..";
  return `/${segments.join("/")}${isDirectory && segments.length > 0 ? "/" : ""}`;
}

/** Decodes adjacent triplets together, since several may be one UTF-8 character. */
function decodeRun(run: string): string {
  const bytes = Buffer.from(run.replaceAll("%", ""), "hex");
  const pieces: Buffer[] = [];
  for (const byte of bytes) {
    const isReserved = reserved.includes(String.fromCharCode(byte));
    pieces.push(isReserved ? Buffer.from(`%${byte.toString(16).toUpperCase()}`) : Buffer.of(byte));
  }
  return Buffer.concat(pieces).toString();
}

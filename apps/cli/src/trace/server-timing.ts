/** One entry of a `Server-Timing` header: https://www.w3.org/TR/server-timing/ */
export interface ServerTiming {
  readonly name: string;
  readonly durationMs: number | undefined;
  readonly description: string | undefined;
}

/** Reads a `Server-Timing` header; malformed entries are skipped. */
export function parseServerTiming(header: string): ServerTiming[] {
  return splitOutsideQuotes(header, ",").flatMap((entry) => {
    const [name = "", ...parameters] = splitOutsideQuotes(entry, ";");
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return [];
    const values = new Map(
      parameters.map((parameter) => {
        const [key = "", ...value] = parameter.split("=");
        return [key.trim().toLowerCase(), unquote(value.join("=").trim())] as const;
      }),
    );
    const duration = Number(values.get("dur"));
    const durationMs = values.has("dur") && Number.isFinite(duration) ? duration : undefined;
    return [{ name, durationMs, description: values.get("desc") }];
  });
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts = text.match(new RegExp(`(?:"(?:[^"\\\\]|\\\\.)*"|[^"${separator}])+`, "g")) ?? [];
  return parts.map((part) => part.trim());
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replaceAll(/\\(.)/g, "$1") : text;
}

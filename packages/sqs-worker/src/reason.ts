/** A description of whatever was thrown, including values without a prototype or with getters that throw. Never throws. */
export function reasonOf(error: unknown): string {
  try {
    if (typeof error !== "object" || error === null) return String(error);
    const { message, name, code } = error as { message?: unknown; name?: unknown; code?: unknown };
    const said = [message, code, name].find(
      (text): text is string => typeof text === "string" && text !== "",
    );
    return said ?? (error as { toString(): string }).toString().slice();
  } catch {
    return "a value that cannot be printed";
  }
}

/** At most `maxLength` characters of `text`, with a note of how much was cut. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength).toWellFormed()}… (${text.length - maxLength} more characters)`;
}

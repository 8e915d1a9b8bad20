/** Control characters, those that turn text around or join it without being seen, and halves of pairs. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Text from elsewhere as it may go to a terminal: what would move the cursor, change colours or hide something is written out, as
 * `\u001b`. In JSON that means the same.
 *
 * @param options.lines Whether line breaks stay.
 */
export function printable(text: string, { lines = false }: { readonly lines?: boolean } = {}): string {
  return text.replace(unprintable, (character) =>
    lines && character === "\n" ? character : Array.from(character, escaped).join(""),
  );
}

function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
  ).join("");
}

import { commandsOf, read } from "../docs/markdown.ts";

/** The same in short: the lines of the README's section "Your own service". */
export const inShort: readonly string[] = commandsOf(
  /^## Your own service$.*?(?=^## )/ms.exec(read("README.md"))?.[0] ?? "",
).map(({ text }) => text);

/** The tutorial, as far as it is typed and saved by its reader. */
export const page = read("docs/your-service.md");

/** What the page says to save: a fenced block after a line that ends with the file's name. */
export const files: ReadonlyMap<string, string> = new Map(
  [...page.matchAll(/`([^`\s]+)`:\n\n```\w+\n(.*?)^```$/gms)].map(([, name = "", text = ""]) => [name, text]),
);

/** The commands that need neither a cluster nor an account, in their order; `pnpm` stands for how the page calls it. */
export const commands: readonly string[] = commandsOf(page)
  .filter(({ isElsewhere }) => !isElsewhere)
  .map(({ text }) => text);

/** The one command that has all of these words. */
export function commandWith(...words: readonly string[]): string {
  const found = commands.filter((command) => words.every((word) => command.includes(word)));
  if (found.length !== 1) throw new Error(`${words.join(" ")}: ${found.length} commands have these words`);
  return found[0] as string;
}

/** The codes in the table of mistakes. */
export const mistakes: readonly string[] = [...page.matchAll(/^\| .* \| \[([A-Z_]+)\]/gm)].map(
  ([, code = ""]) => code,
);

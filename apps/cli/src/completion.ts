import type { Command, Option } from "commander";

export const shells = ["bash", "zsh", "fish"] as const;

export type ShellName = (typeof shells)[number];

/** What can follow a command. */
interface Level {
  /** Subcommands' names, separated by spaces: `init worker`. Empty for the program itself. */
  readonly path: string;
  readonly words: readonly Word[];
  readonly options: readonly CompletedOption[];
}

interface Word {
  readonly name: string;
  readonly description: string;
}

interface CompletedOption {
  readonly flags: readonly string[];
  readonly description: string;
  /** What its value may be; undefined if it takes none. */
  readonly value: "file" | "anything" | readonly string[] | undefined;
}

/**
 * A script that completes the program's commands, options and their values. It is generated from the commands and never
 * calls the program, so Tab does not wait for Node to start.
 */
export function completionScript(program: Command, shell: ShellName): string {
  const levels = levelsOf(program);
  const name = program.name();
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](name, levels);
}

function levelsOf(command: Command, path = ""): Level[] {
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command).filter((each) => each.name() !== "help");
  const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
  const level: Level = {
    path,
    words: [
      ...subcommands.flatMap((each) =>
        [each.name(), ...each.aliases()].map((name) => ({ name, description: each.description() })),
      ),
      ...choices.map((name) => ({ name, description: "" })),
    ],
    options: help.visibleOptions(command).map(completedOption),
  };
  return [
    level,
    ...subcommands.flatMap((each) =>
      [each.name(), ...each.aliases()].flatMap((name) => levelsOf(each, `${path} ${name}`.trim())),
    ),
  ];
}

function completedOption({ short, long, description, flags, argChoices, required, optional }: Option) {
  const takesFile = /<(?:file|path|folder)/.test(flags);
  const value = argChoices ?? (takesFile ? "file" : "anything");
  return {
    flags: [long, short].flatMap((flag) => flag ?? []),
    description,
    value: required || optional ? value : undefined,
  } as const;
}

function bashScript(name: string, levels: readonly Level[]): string {
  const fn = `_${name.replaceAll("-", "_")}`;
  return `# Completes ${name} in bash.
${fn}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} level= word
${wordLoop("COMP_WORDS[@]:1:COMP_CWORD-1", levels)}
  COMPREPLY=()
  compopt +o filenames 2>/dev/null
  case "$level $previous" in
${valueCases(levels, bashValues)}
  esac
  case "$level" in
${levels
  .map(({ path, words, options }) => {
    const all = [...words.map((word) => word.name), ...options.flatMap(({ flags }) => flags)];
    return `    ${quoted(path)}) COMPREPLY=($(compgen -W ${quoted(all.join(" "))} -- "$current")) ;;`;
  })
  .join("\n")}
  esac
}
complete -F ${fn} ${name}`;
}

function bashValues(value: "file" | readonly string[]): string {
  const [setting, words] =
    value === "file" ? ["compopt -o filenames 2>/dev/null; ", "-f"] : ["", `-W ${quoted(value.join(" "))}`];
  return `${setting}COMPREPLY=($(compgen ${words} -- "$current"))`;
}

function zshScript(name: string, levels: readonly Level[]): string {
  const fn = `_${name.replaceAll("-", "_")}`;
  return `#compdef ${name}
# Completes ${name} in zsh.
${fn}() {
  local level= word previous=\${words[CURRENT-1]}
  local -a candidates
${wordLoop("words[@]:1:$((CURRENT-2))", levels)}
  case "$level $previous" in
${valueCases(levels, zshValues)}
  esac
  case "$level" in
${levels
  .map(({ path, words, options }) => {
    const all = [
      ...words,
      ...options.flatMap(({ flags, description }) => flags.map((flag) => ({ name: flag, description }))),
    ];
    const described = all.map(({ name: word, description }) => quoted(`${word}:${summary(description)}`));
    return `    ${quoted(path)}) candidates=(${described.join(" ")}) ;;`;
  })
  .join("\n")}
  esac
  _describe ${quoted(name)} candidates
}
if [ "\${funcstack[1]}" = ${fn} ]; then ${fn} "$@"; else compdef ${fn} ${name}; fi`;
}

function zshValues(value: "file" | readonly string[]): string {
  return value === "file" ? "_files" : `compadd -- ${value.map(quoted).join(" ")}`;
}

/**
 * Finds the level in bash and zsh: the words that are not options decide it. `words` are those before the current one.
 */
function wordLoop(words: string, levels: readonly Level[]): string {
  return `  for word in "\${${words}}"; do
    case "\${level:+$level }$word" in
      ${subcommandPaths(levels).join("|")}) level="\${level:+$level }$word" ;;
    esac
  done`;
}

/** A line of `case` for each option that takes a value, in bash and zsh. */
function valueCases(
  levels: readonly Level[],
  complete: (value: "file" | readonly string[]) => string,
): string {
  const lines = levels.flatMap(({ path, options }) =>
    options.flatMap(({ flags, value }) => {
      if (value === undefined) return [];
      const pattern = flags.map((flag) => quoted(`${path} ${flag}`)).join("|");
      return [`    ${pattern}) ${value === "anything" ? "" : `${complete(value)}; `}return ;;`];
    }),
  );
  return lines.join("\n");
}

function subcommandPaths(levels: readonly Level[]): string[] {
  return levels.slice(1).map(({ path }) => quoted(path));
}

function fishScript(name: string, levels: readonly Level[]): string {
  const fn = `__${name.replaceAll("-", "_")}_at`;
  const lines = levels.flatMap(({ path, words, options }) => {
    const base = `complete -c ${name} -n ${quoted(`${fn} ${quotedForFish(path)}`)}`;
    return [
      ...words.map((word) => `${base} -f -a ${quoted(word.name)} -d ${quoted(summary(word.description))}`),
      ...options.map((option) => `${base} ${fishOption(option)}`),
    ];
  });
  return `# Completes ${name} in fish.
function ${fn}
  set -l level
  for word in (commandline -opc)[2..-1]
    switch (string join ' ' $level $word)
      case ${subcommandPaths(levels).join(" ")}
        set -a level $word
    end
  end
  test "$level" = "$argv"
end
complete -c ${name} -f
${lines.join("\n")}`;
}

function fishOption({ flags, description, value }: CompletedOption): string {
  const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const values = {
    none: "",
    file: " -r -F",
    anything: " -x",
    list: Array.isArray(value) ? ` -x -a ${quoted(value.join(" "))}` : "",
  }[value === undefined ? "none" : typeof value === "string" ? value : "list"];
  return `${names.join(" ")}${values} -d ${quoted(summary(description))}`;
}

/** The first part of a description, as menus have no room for more. */
function summary(description: string): string {
  return (description.split(/[:;.](?: |$)/)[0] ?? "").replaceAll(":", " ");
}

/** Single quotes mean the same in all three shells, except for a quote inside them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function quotedForFish(path: string): string {
  return path === "" ? '""' : path;
}

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

export interface Command {
  /** As a reader would type it: without prompts, comments and line breaks. */
  readonly text: string;
  readonly line: number;
  /** Whether its section, or one around it, says `Needs a cluster.` or what else it needs. */
  readonly isElsewhere: boolean;
}

export interface MarkdownLink {
  readonly target: string;
  readonly line: number;
}

/** All our Markdown files, as paths from the root. */
export function markdownFiles(): string[] {
  const places = ["*.md", "docs/**/*.md", "bench/*.md", "deploy/**/*.md", "apps/*/*.md", "packages/*/*.md"];
  return globSync(places, { cwd: root }).toSorted();
}

export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The anchors that GitHub gives a text's headings. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const { heading } of lines(text)) {
    if (heading === undefined) continue;
    const slug = heading.text
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number}\p{Mark} _-]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again += 1) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Links and images, outside of code. */
export function linksOf(text: string): MarkdownLink[] {
  return lines(text).flatMap(({ prose, number }) =>
    [...withoutCode(prose).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => ({ target, line: number })),
  );
}

const widest = 120;

/** Lines of prose and table cells that are too long to be read. */
export function widthFaults(text: string): string[] {
  return lines(text).flatMap(({ prose, number }) => {
    if (!prose.startsWith("|"))
      return prose.length > widest ? [`line ${number}: ${prose.length} characters`] : [];
    const cells = prose.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const long = cells.filter((cell) => cell.length > widest && !/^:?-+:?$/.test(cell));
    return long.map((cell) => `line ${number}: ${cell.length} in a table cell`);
  });
}

const programs =
  "npx|pnpm|node|curl|kubectl|kustomize|helm|docker|aws|eksctl|kind|minikube|k3d|skaffold|kong-serverless|git|jq|dapr";
const startsWithProgram = new RegExp(`^(?:[A-Z_]+=\\S+ )*(?:(?:${programs}) |\\.ci/run)`);
const inlinePrograms = /^(?:npx|pnpm|node) \S|^\.ci\/run$/;

/**
 * Commands in code blocks, and those of this workspace's own tools in running text. A block marked as shell has only
 * commands; in other blocks, a line is a command if it has a prompt or begins with a known program.
 */
export function commandsOf(text: string): Command[] {
  const commands: Command[] = [];
  let isShell = false;
  let started: { text: string; line: number } | undefined;
  for (const { code, language, prose, number, isElsewhere } of lines(text)) {
    for (const [, span = ""] of prose.matchAll(/`([^`]+)`/g)) {
      if (inlinePrograms.test(span)) commands.push({ text: normalise(span), line: number, isElsewhere });
    }
    if (code === undefined) continue;
    isShell = /^(?:sh|bash|shell|console)$/.test(language);
    const typed = code.trim().replace(/^\$ /, "");
    const isCommand = code.trim() !== typed || isShell || startsWithProgram.test(`${typed} `);
    if (started === undefined && (!isCommand || typed === "" || typed.startsWith("#"))) continue;
    started = { text: `${started?.text ?? ""} ${typed}`, line: started?.line ?? number };
    if (typed.endsWith("\\")) continue;
    commands.push({ text: normalise(started.text), line: started.line, isElsewhere });
    started = undefined;
  }
  return commands;
}

function normalise(command: string): string {
  return command
    .replaceAll("\\ ", " ")
    .replace(/ +# .*$/, "")
    .replaceAll(/ {2,}/g, " ")
    .replace("npx -y pnpm@10.34.9", "pnpm")
    .trim();
}

interface Line {
  readonly number: number;
  /** Empty if the line is code. */
  readonly prose: string;
  /** Undefined if the line is not in a code block. */
  readonly code: string | undefined;
  /** Of a fenced block; empty if none is given. */
  readonly language: string;
  readonly heading: { readonly level: number; readonly text: string } | undefined;
  readonly isElsewhere: boolean;
}

function lines(text: string): Line[] {
  let language: string | undefined;
  let before = "";
  let wasIndented = false;
  /** Level of the heading whose section said what it needs. */
  let needyLevel: number | undefined;
  let level = 0;
  return text.split("\n").map((line, index) => {
    const fence = /^\s*(?:```|~~~)(\w*)/.exec(line);
    const isFence = fence !== null;
    const isFenced = language !== undefined;
    const isIndented =
      !isFenced &&
      line.startsWith("    ") &&
      (wasIndented || before === "") &&
      !/^\s*(?:[-*]|\d+\.) /.test(line);
    const isCode = isFenced || isIndented || isFence;
    const [, hashes = "", title = ""] = isCode ? [] : (/^(#{1,6}) (.*)$/.exec(line) ?? []);
    if (hashes !== "") {
      level = hashes.length;
      if (needyLevel !== undefined && level <= needyLevel) needyLevel = undefined;
    }
    if (!isCode && /\bNeeds an? (?:cluster|AWS account)\b/i.test(line)) needyLevel ??= level;
    const result: Line = {
      number: index + 1,
      prose: isCode ? "" : line,
      code: isCode && !isFence ? line : undefined,
      language: language ?? "",
      heading: hashes === "" ? undefined : { level, text: title },
      isElsewhere: needyLevel !== undefined,
    };
    if (isFence) language = isFenced ? undefined : fence[1];
    wasIndented = isIndented || (wasIndented && line === "");
    before = line.trim();
    return result;
  });
}

function withoutCode(prose: string): string {
  return prose.replaceAll(/`[^`]*`/g, "");
}

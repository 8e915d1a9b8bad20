import { ConfigError } from "@kong-serverless/config";
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Tags,
  visit,
  type YAMLMap,
} from "yaml";

import type { Origin, Step } from "./place.ts";

/** A document may name a value many times: more of them than this, written out, is an attack or a mistake. */
const maxValues = 1_000_000;
/** Kubernetes' deepest kinds have about thirty levels. */
const maxDepth = 100;

/**
 * Every document of a YAML or JSON text that has something in it, a `List` taken apart. It reads as kubectl does: YAML 1.1 without
 * times of day and dates, which Kubernetes takes for text. Throws a ConfigError that names file, document and line.
 */
export function parseDocuments(
  file: string,
  text: string,
  { mayHaveTemplates = false }: { readonly mayHaveTemplates?: boolean } = {},
): Origin[] {
  const anchors = new Map<string, number>();
  return piecesOf(text).flatMap(({ text: piece, firstLine }, pieceIndex) => {
    const lines = new LineCounter();
    const documents = guarded(file, () =>
      parseAllDocuments(piece, {
        version: "1.1",
        merge: true,
        customTags: asKubernetes,
        lineCounter: lines,
        // Its text repeats the lines of the file, which nobody needs twice.
        prettyErrors: false,
        logLevel: "error",
      }),
    );
    if (!Array.isArray(documents)) return [];
    const lineAt = (offset: number) => lines.linePos(offset).line + firstLine - 1;
    return documents.flatMap((document, index) => {
      const number = pieceIndex + index + 1;
      const fail = (offset: number, issue: string) =>
        new ConfigError(file, [`document ${number}, line ${lineAt(offset)}: ${issue}`]);
      const [error] = document.errors;
      if (error) {
        const template = piece.search(templateStart);
        if (template !== -1) throw fail(template + 1, templateIssue);
        throw fail(error.pos[0], `not YAML: ${error.message.replace(/\s+/g, " ")}`);
      }
      guarded(file, () => checkNodes(document, { anchors, fail, lineAt, mayHaveTemplates }));
      const value = guarded(file, () => document.toJS({ maxAliasCount: -1 }) as unknown);
      if (value === null || value === undefined) return [];
      const bound = boundIssue(value);
      if (bound !== undefined) throw fail(document.range[0], bound);
      return takeApart(value, []).map(({ value: item, steps }): Origin => ({
        file,
        document: item,
        number,
        lineOf: (below) => lineIn(document, [...steps, ...below], lineAt),
      }));
    });
  });
}

/** What is left of YAML 1.1 where Kubernetes reads it. */
function asKubernetes(tags: Tags): Tags {
  return tags.filter(
    (tag) =>
      typeof tag === "string" ||
      (tag.format !== "TIME" && !/:(?:timestamp|binary|omap|pairs|set)$/.test(tag.tag)),
  );
}

/** Objects of JSON that follow one another without a separator, as jq prints them; any other text is one piece. */
function piecesOf(text: string): { readonly text: string; readonly firstLine: number }[] {
  const whole = [{ text, firstLine: 1 }];
  if (!/^\s*\{\s*"/.test(text)) return whole;
  const pieces: { text: string; firstLine: number }[] = [];
  let [start, depth, line, firstLine] = [0, 0, 1, 1];
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}\n]/g)) {
    if (token === "\n") line += 1;
    if (token === "{" && depth++ === 0) [start, firstLine] = [index, line];
    if (token === "}" && --depth === 0) pieces.push({ text: text.slice(start, index + 1), firstLine });
  }
  return pieces.length > 1 && depth === 0 ? pieces : whole;
}

/** Whatever the YAML library throws is about the text. */
function guarded<Result>(file: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { message } = error as Error;
    throw new ConfigError(file, [
      error instanceof RangeError ? "is nested too deeply" : `not YAML: ${message.replace(/\s+/g, " ")}`,
    ]);
  }
}

interface CheckOptions {
  /** Lines of the anchors of earlier documents, to which this one's are added. */
  readonly anchors: Map<string, number>;
  readonly fail: (offset: number, issue: string) => ConfigError;
  readonly lineAt: (offset: number) => number;
  readonly mayHaveTemplates: boolean;
}

/** What the library lets pass, and Kubernetes does not. */
function checkNodes(
  document: Document.Parsed,
  { anchors, fail, lineAt, mayHaveTemplates }: CheckOptions,
): void {
  const own = new Map<string, number>();
  visit(document, {
    Node(_, node) {
      const offset = node.range?.[0] ?? 0;
      if (isAlias(node)) {
        if (own.has(node.source)) return;
        const line = anchors.get(node.source);
        throw fail(
          offset,
          line === undefined
            ? `*${node.source} has no anchor &${node.source} before it`
            : `*${node.source} is an alias of line ${line}, which is in another document: an alias reaches within its own document only`,
        );
      }
      if (node.anchor !== undefined) own.set(node.anchor, lineAt(offset));
      if (!mayHaveTemplates && isScalar(node) && typeof node.value === "string" && isHelm(node.value)) {
        throw fail(offset, templateIssue);
      }
    },
    Pair(_, { key }) {
      if (!isCollection(key)) return;
      const isBraced = isMap(key) && key.flow === true;
      throw fail(key.range?.[0] ?? 0, isBraced ? templateIssue : "a field's name has to be text");
    },
  });
  for (const [name, line] of own) anchors.set(name, line);
}

const templateIssue =
  "this looks like a template: render it first (helm template, envsubst ...), and give the result";

/** An expression where YAML wants a value, a key or an item. */
const templateStart = /(?:^|\n)[^\n#"']*?(?:\{\{|\{%)/;

/** A Helm expression that stands in quotes. Other tools' expressions are values to Kubernetes: PrometheusRules have some. */
function isHelm(value: string): boolean {
  return (
    !value.includes("\n") &&
    /\{\{-?\s*(?:\.(?:Values|Release|Chart|Capabilities)\b|include\b|template\b|tpl\b|toYaml\b)/.test(value)
  );
}

function boundIssue(root: unknown): string | undefined {
  let count = 0;
  const pending: { readonly value: unknown; readonly depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth } = next;
    if (++count + pending.length > maxValues)
      return `has more than ${maxValues} values once its aliases are written out`;
    if (depth > maxDepth) return `is nested more than ${maxDepth} levels deep`;
    if (typeof value !== "object" || value === null) continue;
    for (const child of Object.values(value)) pending.push({ value: child, depth: depth + 1 });
  }
  return undefined;
}

/** The items of a `List` or of a list of one kind, which may leave out what they are. */
function takeApart(
  value: unknown,
  steps: readonly Step[],
): { readonly value: unknown; readonly steps: readonly Step[] }[] {
  const { kind, items, apiVersion } = value as { kind?: unknown; items?: unknown; apiVersion?: unknown };
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items)) return [{ value, steps }];
  const implied = kind === "List" ? {} : { apiVersion, kind: kind.slice(0, -"List".length) };
  return items.flatMap((item: unknown, index) => {
    const isObject = typeof item === "object" && item !== null && !Array.isArray(item);
    return takeApart(isObject ? { ...implied, ...item } : item, [...steps, "items", index]);
  });
}

/** The line of a field, or of the nearest one above it that there is. */
function lineIn(
  document: Document.Parsed,
  steps: readonly Step[],
  lineAt: (offset: number) => number,
): number | undefined {
  let offset = document.contents?.range[0];
  let node: Node | null | undefined = document.contents;
  for (const step of steps) {
    if (isAlias(node)) node = node.resolve(document);
    let next: unknown;
    if (isMap(node)) {
      const pair = pairIn(node, step, document);
      if (pair !== undefined) offset = offsetOf(pair.key) ?? offset;
      next = pair?.value;
    } else if (isSeq(node)) {
      next = node.items[Number(step)];
      offset = offsetOf(next) ?? offset;
    }
    if (!isNode(next)) break;
    node = next;
  }
  return offset === undefined ? undefined : lineAt(offset);
}

function pairIn(map: YAMLMap, step: Step, document: Document.Parsed): YAMLMap["items"][number] | undefined {
  const own = map.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (own !== undefined) return own;
  for (const { key, value } of map.items) {
    if (!isScalar(key) || key.source !== "<<") continue;
    for (const source of isSeq(value) ? value.items : [value]) {
      const merged = isAlias(source) ? source.resolve(document) : source;
      const found = isMap(merged) ? pairIn(merged, step, document) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) && !isPair(node) ? node.range?.[0] : undefined;
}

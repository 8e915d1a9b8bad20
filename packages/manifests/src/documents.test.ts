import { ConfigError } from "@kong-serverless/config";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";

import { parseDocuments } from "./documents.ts";
import { Place } from "./place.ts";

const values = (text: string) => parseDocuments("a.yaml", text).map(({ document }) => document);
const issue = (text: string) => {
  try {
    parseDocuments("a.yaml", text);
  } catch (error) {
    if (error instanceof ConfigError) return error.issues.join("\n");
    throw error;
  }
  return undefined;
};

describe("documents", () => {
  test.each([
    ["an empty document", "a: 1\n---\n---\nb: 2\n", [{ a: 1 }, { b: 2 }]],
    ["a comment after the last mark", "a: 1\n---\n# nothing more\n", [{ a: 1 }]],
    ["a mark at the start and at the end", "---\na: 1\n...\n", [{ a: 1 }]],
    ["lines that end as on Windows", "a: 1\r\n---\r\nb: 2\r\n", [{ a: 1 }, { b: 2 }]],
    ["JSON", '{\n\t"a": [1, "x"]\n}', [{ a: [1, "x"] }]],
    [
      "JSON objects one after the other, as jq prints them",
      '{"a": 1}\n{"b": "}{"}\n',
      [{ a: 1 }, { b: "}{" }],
    ],
    ["merge keys", "x: &x {b: 1}\nz: {<<: *x, c: 2}\n", [{ x: { b: 1 }, z: { b: 1, c: 2 } }]],
    [
      "switches as YAML 1.1 has them, and times of day as text",
      "a: yes\nb: 12:30\nc: 0o7",
      [{ a: true, b: "12:30", c: "0o7" }],
    ],
    ["a list", "kind: List\nitems: [{kind: A}, {kind: B}]", [{ kind: "A" }, { kind: "B" }]],
    [
      "a list of one kind, whose items leave out what they are",
      "kind: PodList\napiVersion: v1\nitems: [{metadata: {name: a}}]",
      [{ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } }],
    ],
  ])("are read: %s", (_, text, expected) => {
    expect(values(text)).toEqual(expected);
  });

  test.each([
    [
      "an alias of another document",
      "a: &no 1\n---\n\nb: *no\n",
      /document 2, line 4: \*no is an alias of line 1.*another document/,
    ],
    ["an alias of nothing", "a: *no", /document 1, line 1: \*no has no anchor/],
    [
      "an unrendered name",
      'a: 1\n---\nname: {{ include "x" . }}',
      /document 2, line 3: this looks like a template/,
    ],
    ["an unrendered block", "{{- if .Values.x }}\na: 1\n{{- end }}", /line 1: this looks like a template/],
    ["an unrendered value in quotes", 'a: "{{ .Values.a }}"', /line 1: this looks like a template/],
    ["a key that is a list", "? [a]\n: 1", /text/],
    ["a tab where a space is wanted", "a:\n\tb: 1", /line 2: not YAML/],
    ["a name that stands twice", "a: 1\na: 2", /line 2: not YAML: Map keys must be unique/],
    ["a value that is itself", "a: &a [*a]", /nested|written out|not YAML/],
    ["a value that grows and grows", bomb(), /more than 1000000 values/],
    ["very deep nesting", "[".repeat(20_000), /deep|not YAML/],
  ])("are refused with a line: %s", (_, text, expected) => {
    expect(issue(text)).toMatch(expected);
  });

  test("leave other tools' expressions alone", () => {
    expect(issue('summary: "{{ $labels.pod }} is down"')).toBeUndefined();
  });

  test("end in CONFIG_INVALID or in values, whatever the text is", () => {
    const yamlish = fc.string({
      unit: fc.constantFrom(
        ..."ab:-?[]{}&*!|>'\"%@`#,<=~ \n\t0123456789.".split(""),
        "<<: ",
        "---\n",
        "{{ ",
        " }}",
      ),
      maxLength: 80,
    });
    fc.assert(
      fc.property(fc.oneof(yamlish, fc.string()), (text) => {
        expect(["string", "undefined"]).toContain(typeof issue(text));
      }),
      { numRuns: 500 },
    );
  });

  test("are the same in one text as in many, in whatever order", () => {
    // A key `<<` is an instruction to merge.
    const json = fc.jsonValue({ maxDepth: 2 }).filter((value) => !JSON.stringify(value).includes('"<<":'));
    const object = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), json, { minKeys: 1 });
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 5 }), (objects) => {
        const texts = objects.map((value) => stringify(value, { version: "1.1" }));
        const single = texts.flatMap(values);
        expect(values(texts.join("---\n"))).toEqual(single);
        expect(values(texts.toReversed().join("---\n"))).toEqual(single.toReversed());
      }),
    );
  });
});

describe("a place", () => {
  test("knows its line, also where it is merged, missing or an item of a list", () => {
    const text = "kind: List\nitems:\n- x: &x\n    b: 1\n- z:\n    <<: *x\n    c: 2\n";
    const [, origin] = parseDocuments("a.yaml", text);
    if (origin === undefined) throw new Error("two objects expected");
    const root = new Place(origin.document, [origin]);
    expect(root.line).toBe(5);
    expect(root.at("z", "c").line).toBe(7);
    expect(root.at("z", "b").line).toBe(4);
    expect(root.at("z", "missing").line).toBe(5);
    expect(root.documentNumber).toBe(1);
  });
});

function bomb(): string {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i < 12; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(10)}]`);
  return lines.join("\n");
}

import { describe, expect, test } from "vitest";

import { markdownFiles, read, widthFaults } from "./markdown.ts";

describe.each(markdownFiles())("%s", (file) => {
  test("has no line or table cell over 120 characters", () => {
    expect(widthFaults(read(file))).toEqual([]);
  });
});

test("lines and cells are measured, code and the padding of tables are not", () => {
  const wide = "x".repeat(121);
  const page = [
    wide,
    `| ${wide} | a |`,
    `| a${" ".repeat(121)} | \`a \\| b\` |`,
    `|${"-".repeat(130)}|`,
    "```",
    wide,
    "```",
    "",
    `    ${wide}`,
  ];
  expect(widthFaults(page.join("\n"))).toEqual(["line 1: 121 characters", "line 2: 121 in a table cell"]);
});

import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { title } from "./manifests.ts";
import { type ManifestSource, readManifests } from "./read-manifests.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "manifests-"));
});
afterEach(() => rm(folder, { recursive: true }));

const object = (name: string) => `{apiVersion: v1, kind: ConfigMap, metadata: {name: ${name}}}\n`;
const write = async (files: Readonly<Record<string, string | Buffer>>) => {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  }
};
const read = (source: ManifestSource, stdin = "") =>
  readManifests(source, {
    root: "/nowhere",
    cwd: folder,
    kustomize: "no-such-command",
    stdin: Readable.from([stdin]),
    signal: new AbortController().signal,
  });
const names = async (source: ManifestSource, stdin?: string) =>
  (await read(source, stdin)).all.map(({ name }) => name);

describe("reading manifests", () => {
  test("takes several files, folders and stdin, by paths of where the caller is", async () => {
    await write({
      "a.yaml": object("a"),
      "below/b.yml": object("b"),
      "below/c.json": object("c"),
      "below/d.txt": "no",
    });
    expect(await names({ files: ["a.yaml", "below", "-"] }, object("x"))).toEqual(["a", "b", "c", "x"]);
  });

  test("says which folders it does not descend into", async () => {
    await write({ "a.yaml": object("a"), "below/b.yaml": object("b") });
    const { all, leftOut } = await read({ overlay: "./" });
    expect(all.map(title)).toEqual(["ConfigMap default/a"]);
    expect(leftOut).toEqual([expect.stringContaining("below: a folder")]);
  });

  test.each(["kustomization.yaml", "kustomization.yml", "Kustomization"])(
    "reads what %s lists, and plain folders in it, without kustomize",
    async (name) => {
      await write({
        [name]: "resources: [a.yaml, below]",
        "a.yaml": object("a"),
        "not-listed.yaml": object("no"),
        "below/kustomization.yaml": "resources: [b.yaml]",
        "below/b.yaml": object("b"),
      });
      expect(await names({ overlay: "./" })).toEqual(["a", "b"]);
    },
  );

  test("keeps file, document and line of each object", async () => {
    await write({ "a.yaml": `# first\n${object("a")}---\n\n${object("b")}` });
    const [, second] = (await read({ files: ["a.yaml"] })).all;
    const { file, line, documentNumber } = second?.root ?? {};
    expect({ file, line, documentNumber }).toEqual({ file: "a.yaml", line: 5, documentNumber: 2 });
  });

  test.each<[string, Record<string, string | Buffer>, string, RegExp]>([
    ["a file that is not there", {}, "no.yaml", /no\.yaml[^]*ENOENT/],
    ["a file without objects", { "a.yaml": "# nothing\n" }, "a.yaml", /no Kubernetes object/],
    [
      "what is no object",
      { "a.yaml": `${object("a")}---\njust text\n` },
      "a.yaml",
      /document 2, line 3: no `kind`/,
    ],
    [
      "an object without a name",
      { "a.yaml": "kind: Pod" },
      "a.yaml",
      /document 1, line 1: no `metadata.name`/,
    ],
    ["a kustomization as a file", { "k.yaml": "kind: Kustomization" }, "k.yaml", /give its folder/],
    ["a folder of nothing", { "below/readme.txt": "x" }, "below", /no Kubernetes object/],
    [
      "two kustomizations",
      { "kustomization.yml": "resources: []", Kustomization: "resources: []" },
      ".",
      /takes one/,
    ],
    [
      "a listed file that is not there",
      { "kustomization.yaml": "resources: [no.yaml]" },
      ".",
      /no\.yaml[^]*ENOENT/,
    ],
    [
      "folders that build on one another",
      { "kustomization.yaml": "resources: [b]", "b/kustomization.yaml": "resources: [..]" },
      ".",
      /builds on itself/,
    ],
    ["UTF-16", { "a.yaml": Buffer.from(`\uFEFF${object("a")}`, "utf16le") }, "a.yaml", /UTF-16/],
    ["what is no text", { "a.yaml": Buffer.from([0x61, 0xff, 0x62]) }, "a.yaml", /not UTF-8/],
  ])("refuses %s and says where", async (_, files, path, message) => {
    await write(files);
    await expect(read({ files: [path] })).rejects.toThrow(message);
    await expect(read({ files: [path] })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("takes a mark at the start of UTF-8 for what it is", async () => {
    await write({ "a.yaml": `\uFEFF${object("a")}` });
    expect(await names({ files: ["a.yaml"] })).toEqual(["a"]);
  });

  test("waits for no pipe and reads no device", async () => {
    execFileSync("mkfifo", [join(folder, "pipe.yaml")]);
    await expect(read({ files: ["pipe.yaml"] })).rejects.toThrow("is a pipe");
    await expect(read({ overlay: "./" })).rejects.toThrow("is a pipe");
    await expect(read({ files: ["/dev/zero"] })).rejects.toThrow("neither a file nor a folder");
  });

  test("stops reading stdin when it is told to", async () => {
    const stopping = new AbortController();
    const reading = readManifests(
      { files: ["-"] },
      {
        root: "/",
        cwd: folder,
        kustomize: undefined,
        stdin: new Readable({ read() {} }),
        signal: stopping.signal,
      },
    );
    stopping.abort(new Error("interrupted"));
    await expect(reading).rejects.toThrow("interrupted");
  });
});

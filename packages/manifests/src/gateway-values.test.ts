import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { readGatewayValues } from "./gateway-values.ts";
import { readGateway } from "./gateway.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "values-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(...texts: readonly string[]) {
  const files = texts.map((_, index) => join(folder, `${index + 1}.yaml`));
  for (const [index, file] of files.entries()) await writeFile(file, texts[index] ?? "");
  return readGatewayValues(files);
}

test("maps are merged, lists are replaced, and what is lost is told with both places", async () => {
  const { values, replaced } = await read(
    "env: {a: '1', b: '1'}\ndeployment:\n  initContainers:\n    - name: ours\n    - name: shared\n",
    "env: {b: '2'}\ndeployment:\n  # Of our own.\n  initContainers: [{name: shared, image: mine}]\n",
  );
  expect(values.at("env").value).toEqual({ a: "1", b: "2" });
  expect(values.at("deployment", "initContainers").value).toEqual([{ name: "shared", image: "mine" }]);
  expect(replaced).toHaveLength(1);
  const [{ name, place, by }] = replaced as [(typeof replaced)[number]];
  expect({ name, from: place.file, to: by.file, line: by.line, path: by.path }).toEqual({
    name: "ours",
    from: join(folder, "1.yaml"),
    to: join(folder, "2.yaml"),
    line: 4,
    path: "deployment.initContainers",
  });
});

test("objects are known by the name in their metadata", async () => {
  const { replaced } = await read(
    "extraObjects: [{metadata: {name: ours}}]",
    "extraObjects: [{metadata: {name: theirs}}]",
  );
  expect(replaced.map(({ name }) => name)).toEqual(["ours"]);
});

test("a list that is emptied, or has no names in it, is nobody's mistake", async () => {
  const { replaced } = await read("a: [{name: one}]\nb: [1]\n", "a: []\nb: [2]\n");
  expect(replaced).toEqual([]);
});

test("the pod of kong/ingress is the gateway's", async () => {
  const { pod } = readGateway(
    await read(
      "gateway:\n  env: {plugins: 'bundled,mine'}\n  deployment: {initContainers: [{name: plugin-server}]}\n",
    ),
  );
  expect(pod?.environment.get("KONG_PLUGINS")).toBe("bundled,mine");
  expect(pod?.pluginServer?.path).toBe("gateway.deployment.initContainers[0]");
});

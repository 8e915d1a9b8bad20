import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { errorCodes } from "@kong-serverless/runtime";
import { canRun, type Need, needs } from "@kong-serverless/testing";
import { describe, expect, test } from "vitest";

import packageJson from "../package.json" with { type: "json" };
import { luaPluginFolder } from "./index.ts";

const read = (name: string) => readFileSync(join(luaPluginFolder, name), "utf8");
const luacheck: Need = {
  what: "luacheck",
  remedy: "apt-get install lua-check",
  isMet: canRun("luacheck", "--version"),
};

describe("the Lua files", () => {
  test("satisfy luacheck", needs(luacheck), () => {
    const settings = join(luaPluginFolder, "../.luacheckrc");
    const parameters = ["--no-color", "--quiet", "--config", settings, luaPluginFolder];
    const { status, stdout } = spawnSync("luacheck", parameters, { encoding: "utf8" });
    expect({ status, stdout }).toMatchObject({ status: 0 });
  });

  test("wait by a clock that nobody can set back", () => {
    const files = readdirSync(luaPluginFolder).filter((name) => name !== "clock.lua");
    expect(files.filter((name) => read(name).includes("ngx.now"))).toEqual([]);
  });

  test("have the package's version", () => {
    expect(read("handler.lua")).toContain(`VERSION = "${packageJson.version}"`);
  });

  test("refuse requests with the codes and the words of the table of errors", () => {
    const titles = [...read("error_titles.lua").matchAll(/^ {2}([A-Z_]+) = "([^"]+)",$/gm)];
    expect(titles.map(([, code, title]) => [code, title])).toEqual(
      (["PLUGIN_SERVER_UNAVAILABLE", "SHARED_DICT_MISSING"] as const).map((code) => [
        code,
        errorCodes[code].meaning,
      ]),
    );
    const used = [...read("handler.lua").matchAll(/refusals\.answer\("([A-Z_]+)"/g)].map(([, code]) => code);
    expect(new Set(used)).toEqual(new Set(titles.map(([, code]) => code)));
  });
});

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { errorCodes } from "@kong-serverless/runtime";
import { describe, expect, test } from "vitest";

import packageJson from "../package.json" with { type: "json" };
import { luaPluginFolder } from "./index.ts";

const read = (name: string) => readFileSync(join(luaPluginFolder, name), "utf8");
const hasLuacheck = spawnSync("luacheck", ["--version"]).error === undefined;

describe("the Lua files", () => {
  test.runIf(hasLuacheck)("satisfy luacheck", () => {
    const settings = join(luaPluginFolder, "../.luacheckrc");
    const luacheck = ["--no-color", "--quiet", "--config", settings, luaPluginFolder];
    const { status, stdout } = spawnSync("luacheck", luacheck, { encoding: "utf8" });
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
    const titles = read("refusals.lua").matchAll(/^ {2}([A-Z_]+) =\s+"([^"]+)",$/gm);
    const refusals = [...titles].map(([, code, title]) => [code, title]);
    expect(refusals).toEqual(
      (["PLUGIN_SERVER_UNAVAILABLE", "SHARED_DICT_MISSING"] as const).map((code) => [
        code,
        errorCodes[code].meaning,
      ]),
    );
  });
});

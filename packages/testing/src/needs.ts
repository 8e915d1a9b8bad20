import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

declare module "vitest" {
  interface TaskMeta {
    /** Why a test was skipped, for test/skip-report.ts. */
    missing?: string;
  }
}

/** Something that some tests need and that is not on every machine. */
export interface Need {
  readonly what: string;
  /** How to get it. */
  readonly remedy: string;
  readonly isMet: boolean;
}

export interface SkipOptions {
  readonly skip?: true;
  readonly meta?: { readonly missing: string };
}

/** Options of a test or a suite that is skipped, and says so at the end of the run, where one of these is missing. */
export function needs(...needed: readonly Need[]): SkipOptions {
  const missing = needed.filter(({ isMet }) => !isMet).map(({ what, remedy }) => `${what} (${remedy})`);
  return missing.length === 0 ? {} : { skip: true, meta: { missing: missing.join(" and ") } };
}

/** Whether a command can be run. */
export function canRun(command: string, ...parameters: readonly string[]): boolean {
  try {
    execFileSync(command, parameters, { stdio: "ignore", timeout: 30_000 });
    return true;
  } catch {
    return false;
  }
}

export const linux: Need = { what: "Linux", remedy: "run it there", isMet: process.platform === "linux" };

export function nginx(): Need {
  return {
    what: "nginx with its Lua module",
    remedy: "apt-get install nginx libnginx-mod-http-lua lua-resty-core lua-resty-lrucache lua-cjson",
    isMet: existsSync("/usr/lib/nginx/modules/ngx_http_lua_module.so") && canRun("nginx", "-v"),
  };
}

export function openssl(): Need {
  return { what: "openssl", remedy: "apt-get install openssl", isMet: canRun("openssl", "version") };
}

/** The command that renders a folder, to which its path is added. */
export function findKustomize(): readonly string[] | undefined {
  // A variable of the tests, not of an app: packages/config knows nothing of it.
  const configured = process.env["KUSTOMIZE"];
  const commands = [
    ...(configured === undefined ? [] : [[configured, "build"]]),
    ["kustomize", "build"],
    ["kubectl", "kustomize"],
  ];
  return commands.find(([command = "", subcommand = ""]) => canRun(command, subcommand, "--help"));
}

export function kustomize(): Need {
  return {
    what: "kustomize",
    remedy: "install kustomize or kubectl, or name the command in KUSTOMIZE",
    isMet: findKustomize() !== undefined,
  };
}

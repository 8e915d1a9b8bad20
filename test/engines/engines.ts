import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

import type { Need } from "@kong-serverless/testing";

/** Where the engines are: folders of ready binaries, and KEDA's own module for its definitions. */
export interface Engines {
  binary(name: string): string;
  /** KEDA's `config/crd/bases`. */
  readonly kedaDefinitions: string;
}

/** Versions are only chosen here. KEDA's is the platform's (engines.test.ts). */
export const kedaVersion = "v2.20.2";
export const kubernetesVersion = "v1.34.4";
/** Used if none is installed: the version that Kubernetes itself is tested with. */
export const etcdVersion = "v3.6.4";

/** The binaries that scripts/build-engines.ts makes; the variable ENGINES may name another folder. */
export const engineNames = [
  "kube-apiserver",
  "kube-controller-manager",
  "keda",
  "keda-adapter",
  "keda-admission-webhooks",
  "etcd",
] as const;

/** Built once for each pair of versions, and shared by all clones on this machine. */
export const engineFolder =
  process.env["ENGINES"] ??
  join(homedir(), ".cache/kong-serverless", `keda-${kedaVersion}-kubernetes-${kubernetesVersion}`);

/** The real engines; undefined if they are not wanted or not built. */
export function findEngines(): Engines | undefined {
  if (whyNot() !== undefined) return undefined;
  return {
    binary: (name) => findProgram(name) ?? name,
    kedaDefinitions: join(moduleFolder(`github.com/kedacore/keda/v2@${kedaVersion}`), "config/crd/bases"),
  };
}

export function realEngines(): Need {
  const why = whyNot();
  return { what: "the real Kubernetes API server and KEDA", remedy: why ?? "", isMet: why === undefined };
}

function whyNot(): string | undefined {
  if (process.env["REAL_ENGINES"] !== "1") return "pnpm test:engines";
  const missing = engineNames.filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) return `run node scripts/build-engines.ts, which makes ${missing.join(", ")}`;
  if (findProgram("go") === undefined) return "install go, which knows where KEDA's definitions are";
  if (findProgram("openssl") === undefined) return "install openssl";
  return undefined;
}

/** Finds a program, built here or on the PATH. */
export function findProgram(name: string): string | undefined {
  const folders = [engineFolder, ...(process.env["PATH"] ?? "").split(delimiter)];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The folder of a Go module, which is downloaded if needed. */
export function moduleFolder(module: string): string {
  // Outside of any module, whose go.mod would interfere.
  const { stdout, stderr, error } = spawnSync("go", ["mod", "download", "-json", module], {
    encoding: "utf8",
    cwd: homedir(),
    maxBuffer: 2 ** 24,
  });
  if (error) throw error;
  const answer = JSON.parse(stdout || "{}") as { Dir?: string; Error?: string };
  if (answer.Dir !== undefined) return answer.Dir;
  throw new Error(`${module} could not be downloaded: ${answer.Error ?? stderr}`);
}

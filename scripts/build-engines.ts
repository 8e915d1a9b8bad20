/** Compiles what `test:engines` runs on from Go modules: see `--help`. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import {
  engineFolder,
  engineNames,
  etcdVersion,
  findProgram,
  kedaVersion,
  kubernetesVersion,
  moduleFolder,
} from "../test/engines/engines.ts";

type EngineName = (typeof engineNames)[number];

interface Engine {
  /** Where `go build` runs. */
  readonly folder: () => string;
  readonly package: string;
  /** The version that the binary reports. */
  readonly variables: Readonly<Record<string, string>>;
}

const usage = `Usage: node scripts/build-engines.ts [--force] [NAME...]

Compiles what the tests on the real Kubernetes and KEDA run, from the Go modules of
  Kubernetes ${kubernetesVersion}, KEDA ${kedaVersion} and etcd ${etcdVersion}
into ${engineFolder}
(the variable ENGINES names another folder). Takes ten minutes on two idle cores, once; what is there is left alone.
Needs go, and about 8 GB for its caches. An etcd on the PATH is taken as it is.

  NAME     only these of ${engineNames.join(", ")}
  --force  build again what is there
  --help   this text
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { force: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
});
const temporary = mkdtempSync(join(tmpdir(), "build-engines-"));
/** A build that is interrupted leaves nothing half done. */
const interrupted = new AbortController();
const progressEveryMs = 15_000;
/** The reason is at the end of go's output. */
const lastLines = 20;

/** A module that requires another one, so that `go build` can build that. */
function wrapper(module: string, version: string, lines: readonly string[]): string {
  const folder = join(temporary, module.replaceAll("/", "-"));
  if (existsSync(folder)) return folder;
  mkdirSync(folder);
  writeFileSync(
    join(folder, "go.mod"),
    [`module engines`, ...lines, `require ${module} ${version}`, ""].join("\n"),
  );
  return folder;
}

/** In its own repository Kubernetes finds its staging modules beside it; as a dependency it needs them pinned. */
function kubernetes(): string {
  const module = "k8s.io/kubernetes";
  const source = readFileSync(join(moduleFolder(`${module}@${kubernetesVersion}`), "go.mod"), "utf8");
  const stagingVersion = kubernetesVersion.replace("v1.", "v0.");
  const staging = Array.from(source.matchAll(/^\s*(\S+) => \.\/staging\/src\//gm), ([, name]) => name);
  return wrapper(module, kubernetesVersion, [
    ...(/^go .*$/m.exec(source) ?? []),
    ...staging.map((name) => `replace ${name} => ${name} ${stagingVersion}`),
  ]);
}

const [, kubernetesMinor = ""] = /^v1\.(\d+)/.exec(kubernetesVersion) ?? [];
const kubernetesVariables = Object.fromEntries(
  ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((name) => [
    [`${name}.gitVersion`, kubernetesVersion],
    [`${name}.gitMajor`, "1"],
    [`${name}.gitMinor`, kubernetesMinor],
  ]),
);
const keda = (name: string): Engine => ({
  folder: () => moduleFolder(`github.com/kedacore/keda/v2@${kedaVersion}`),
  package: `./cmd/${name}`,
  variables: { "github.com/kedacore/keda/v2/version.Version": kedaVersion.slice(1) },
});
const controlPlane = (name: string): Engine => ({
  folder: kubernetes,
  package: `k8s.io/kubernetes/cmd/${name}`,
  variables: kubernetesVariables,
});

const engines: Readonly<Record<EngineName, Engine>> = {
  "kube-apiserver": controlPlane("kube-apiserver"),
  "kube-controller-manager": controlPlane("kube-controller-manager"),
  keda: keda("operator"),
  "keda-adapter": keda("adapter"),
  "keda-admission-webhooks": keda("webhooks"),
  etcd: {
    // Its own go.mod refers to folders of its repository.
    folder: () => wrapper("go.etcd.io/etcd/server/v3", etcdVersion, ["go 1.23.0"]),
    package: "go.etcd.io/etcd/server/v3",
    variables: {},
  },
};

async function build(name: EngineName): Promise<void> {
  const { folder, package: path, variables } = engines[name];
  const flags = Object.entries(variables).map(([variable, value]) => `-X ${variable}=${value}`);
  const output = join(engineFolder, `${name}.${process.pid}.new`);
  const startedAt = performance.now();
  const seconds = () => `${Math.round((performance.now() - startedAt) / 1000)} s`;
  say(`${name}: building ...`);
  const args = ["build", "-v", "-mod=mod", "-buildvcs=false", "-trimpath"];
  const go = spawn("go", [...args, "-ldflags", ["-s -w", ...flags].join(" "), "-o", output, path], {
    cwd: folder(),
    env: { ...process.env, CGO_ENABLED: "0" },
    stdio: ["ignore", "ignore", "pipe"],
    signal: interrupted.signal,
  });
  const counts = { downloaded: 0, compiled: 0 };
  const said: string[] = [];
  createInterface({ input: go.stderr }).on("line", (line) => {
    if (line.startsWith("go: downloading ")) counts.downloaded += 1;
    else if (/^[\w./~-]+$/.test(line)) counts.compiled += 1;
    else said.push(line);
  });
  const progress = setInterval(() => {
    say(
      `${name}: ${counts.downloaded} modules downloaded, ${counts.compiled} packages compiled, ${seconds()}`,
    );
  }, progressEveryMs);
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      go.once("error", reject);
      go.once("close", resolve);
    });
    if (status !== 0) {
      throw new Error(`${name} could not be built; go says:\n${said.slice(-lastLines).join("\n")}`);
    }
    // An interrupted build leaves no partial file.
    renameSync(output, join(engineFolder, name));
    say(`${name}: built in ${seconds()}`);
  } finally {
    clearInterval(progress);
    rmSync(output, { force: true });
  }
}

function isThere(name: EngineName): boolean {
  if (existsSync(join(engineFolder, name))) return !values.force;
  return name === "etcd" && findProgram("etcd") !== undefined;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(): Promise<void> {
  const unknown = positionals.filter((name) => !(engineNames as readonly string[]).includes(name));
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: allowed are ${engineNames.join(", ")}`);
  const wanted = engineNames.filter((name) => positionals.length === 0 || positionals.includes(name));
  const missing = wanted.filter((name) => !isThere(name));
  if (missing.length > 0 && findProgram("go") === undefined) {
    throw new Error(
      "go is not on the PATH: install it from https://go.dev/dl (it fetches a newer self where a module asks for one)",
    );
  }
  mkdirSync(engineFolder, { recursive: true });
  for (const name of missing) await build(name);
  say(`${wanted.join(", ")}: in ${engineFolder}, or on the PATH`);
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupted.abort());
try {
  if (values.help) process.stdout.write(usage);
  else await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  rmSync(temporary, { recursive: true });
}

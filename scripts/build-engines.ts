/**
 * Compiles the real Kubernetes API server and controller manager, and KEDA, from their Go modules, for test/engines: about ten minutes
 * on two cores, once. What is there already is left alone. Names as arguments build these alone. Needs go; etcd comes from elsewhere
 * (Debian: etcd-server).
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  engineFolder,
  engineNames,
  kedaVersion,
  kubernetesVersion,
  moduleFolder,
} from "../test/engines/engines.ts";

type EngineName = (typeof engineNames)[number];

interface Engine {
  /** Where `go build` runs. */
  readonly folder: () => string;
  readonly package: string;
  /** What the binary is to answer when it is asked for its version. */
  readonly variables: Readonly<Record<string, string>>;
}

const temporary = mkdtempSync(join(tmpdir(), "build-engines-"));

/** Its staging modules stand beside Kubernetes in its own repository; as a dependency it needs them pinned. */
function kubernetes(): string {
  const folder = join(temporary, "kubernetes");
  if (existsSync(folder)) return folder;
  mkdirSync(folder);
  const source = readFileSync(join(moduleFolder(`k8s.io/kubernetes@${kubernetesVersion}`), "go.mod"), "utf8");
  const stagingVersion = kubernetesVersion.replace("v1.", "v0.");
  const staging = [...source.matchAll(/^\s*(\S+) => \.\/staging\/src\//gm)].map(([, name]) => name);
  const lines = [
    "module engines",
    ...(/^go .*$/m.exec(source) ?? []),
    `require k8s.io/kubernetes ${kubernetesVersion}`,
    ...staging.map((name) => `replace ${name} => ${name} ${stagingVersion}`),
  ];
  writeFileSync(join(folder, "go.mod"), `${lines.join("\n")}\n`);
  return folder;
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
};

function build(name: EngineName): void {
  const target = join(engineFolder, name);
  if (existsSync(target)) return;
  const { folder, package: path, variables } = engines[name];
  const flags = Object.entries(variables).map(([variable, value]) => `-X ${variable}=${value}`);
  const output = join(engineFolder, `${name}.new`);
  const startedAt = performance.now();
  process.stderr.write(`Building ${name} ...\n`);
  execFileSync(
    "go",
    [
      "build",
      "-mod=mod",
      "-buildvcs=false",
      "-trimpath",
      "-ldflags",
      ["-s -w", ...flags].join(" "),
      "-o",
      output,
      path,
    ],
    { cwd: folder(), env: { ...process.env, CGO_ENABLED: "0" }, stdio: ["ignore", "ignore", "inherit"] },
  );
  // Whole or not there, whatever interrupts a build.
  renameSync(output, target);
  process.stderr.write(`Built ${name} in ${Math.round((performance.now() - startedAt) / 1000)} s.\n`);
}

const wanted = engineNames.filter((name) => process.argv.length <= 2 || process.argv.includes(name));
try {
  mkdirSync(engineFolder, { recursive: true });
  for (const name of wanted) build(name);
} finally {
  rmSync(temporary, { recursive: true });
}
process.stderr.write(`${wanted.join(", ")}: in ${engineFolder}\n`);

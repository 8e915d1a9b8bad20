/**
 * Generates the TypeScript of every package's `proto` folder. The generator's 93 MB are fetched when it is run, and are no
 * dependency of the workspace: the results are committed. `--check` fails when a committed file is not current.
 */
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const packages = join(import.meta.dirname, "../packages");

/** The TypeScript of a package's messages, by file name. */
function generate(folder: string): Map<string, string> {
  // The generator's version is that of the runtime, which reads what it writes.
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const generators = [
    "@bufbuild/buf@1.75.0",
    `@bufbuild/protoc-gen-es@${dependencies["@bufbuild/protobuf"]}`,
  ];
  const directory = mkdtempSync(join(tmpdir(), "generate-protocol-"));
  try {
    const template = {
      version: "v2",
      plugins: [{ local: "protoc-gen-es", out: directory, opt: ["target=ts", "import_extension=ts"] }],
    };
    const npx = generators.flatMap((generator) => ["--package", generator]);
    const buf = ["buf", "generate", join(folder, "proto"), "--template", JSON.stringify(template)];
    execFileSync("npx", ["--yes", ...npx, "--", ...buf], { stdio: ["ignore", "ignore", "inherit"] });
    const names = globSync("*_pb.ts", { cwd: directory });
    return new Map(names.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

for (const proto of globSync("*/proto", { cwd: packages }).sort()) {
  const folder = join(packages, proto, "..");
  for (const [name, generated] of generate(folder)) {
    const committedFile = join(folder, "src", name);
    if (!process.argv.includes("--check")) {
      writeFileSync(committedFile, generated);
    } else if (generated !== readFileSync(committedFile, "utf8")) {
      process.stderr.write(
        `${basename(folder)}/src/${name} is not current: run pnpm --filter @kong-serverless/${basename(folder)} run generate\n`,
      );
      process.exitCode = 1;
    }
  }
}

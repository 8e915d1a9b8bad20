/**
 * Generates the TypeScript of packages/kong-protocol/proto. The generator's 93 MB are fetched when it is run, and are no
 * dependency of the workspace: the result is committed. `--check` fails when the committed file is not current:
 * pnpm --filter @kong-serverless/kong-protocol run generate --check
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const packageDirectory = join(import.meta.dirname, "../packages/kong-protocol");
const committedFile = join(packageDirectory, "src/plugin_socket_pb.ts");

// The generator's version is that of the runtime, which reads what it writes.
const { dependencies } = JSON.parse(readFileSync(join(packageDirectory, "package.json"), "utf8")) as {
  dependencies: Record<string, string>;
};
const generators = ["@bufbuild/buf@1.75.0", `@bufbuild/protoc-gen-es@${dependencies["@bufbuild/protobuf"]}`];

function generate(): string {
  const directory = mkdtempSync(join(tmpdir(), "generate-protocol-"));
  try {
    const template = {
      version: "v2",
      plugins: [{ local: "protoc-gen-es", out: directory, opt: ["target=ts", "import_extension=ts"] }],
    };
    const packages = generators.flatMap((generator) => ["--package", generator]);
    const buf = ["buf", "generate", join(packageDirectory, "proto"), "--template", JSON.stringify(template)];
    execFileSync("npx", ["--yes", ...packages, "--", ...buf], { stdio: ["ignore", "ignore", "inherit"] });
    return readFileSync(join(directory, "plugin_socket_pb.ts"), "utf8");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const generated = generate();
if (!process.argv.includes("--check")) {
  writeFileSync(committedFile, generated);
} else if (generated !== readFileSync(committedFile, "utf8")) {
  process.stderr.write(
    `${committedFile} is not current: run pnpm --filter @kong-serverless/kong-protocol run generate\n`,
  );
  process.exitCode = 1;
}

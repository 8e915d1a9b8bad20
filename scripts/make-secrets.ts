/**
 * Makes the password files that Git ignores and kustomize needs, from the *.example beside each, with one new random
 * password for all that belong together. Existing files are left alone. Every install runs it, so that an overlay can
 * be rendered from a fresh clone.
 */
import { randomBytes } from "node:crypto";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const placeholder = "change-me";
const password = randomBytes(24).toString("base64url");

const files = globSync("deploy/**/*.example", { cwd: root }).map((example) => ({
  example,
  file: example.replace(/\.example$/, ""),
}));
const missing = files.filter(({ file }) => !existsSync(join(root, file)));

// Making half of them again would give one user two passwords.
if (missing.length > 0 && missing.length < files.length) {
  const found = files.filter((each) => !missing.includes(each)).map(({ file }) => file);
  process.stderr.write(
    `Some files of passwords exist and some do not: remove ${found.join(", ")}, or make ${missing.map(({ file }) => file).join(", ")} by hand.\n`,
  );
} else {
  for (const { example, file } of missing) {
    const text = readFileSync(join(root, example), "utf8").replaceAll(placeholder, password);
    writeFileSync(join(root, file), text, { mode: 0o600 });
    process.stderr.write(`Made ${file}\n`);
  }
}

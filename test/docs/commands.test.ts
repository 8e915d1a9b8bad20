import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { commandsOf, markdownFiles, read, root } from "./markdown.ts";

/**
 * Evidence that a command works: another test or `.ci/run` has this text, or Node runs it here with these arguments.
 */
type Evidence = { readonly file: string; readonly text: string } | { readonly run: readonly string[] };

const ci = (text: string): Evidence => ({ file: ".ci/run", text });

/** Commands without `npx -y pnpm@10.34.9` before pnpm's name. The first match counts. */
const evidence: readonly (readonly [RegExp, Evidence])[] = [
  [/^pnpm demo( --once)?$/, ci("pnpm --silent demo --once --json")],
  [
    /^pnpm demo --instant-wake$/,
    { file: "apps/playground/src/command.test.ts", text: "plays instant wakes" },
  ],
  [/^pnpm demo --chain$/, { file: "test/e2e/chain.test.ts", text: '"--chain"' }],
  [/^pnpm demo --fair-jobs$/, { file: "test/e2e/fair-jobs.test.ts", text: '"--fair-jobs"' }],
  // It compiles for minutes, so this only checks that the command exists.
  [
    /^pnpm test:engines$/,
    { file: "package.json", text: '"test:engines": "node scripts/build-engines.ts &&' },
  ],
  [/^node scripts\/build-engines\.ts$/, { file: "package.json", text: "node scripts/build-engines.ts &&" }],
  [/^pnpm test( packages\/activator)?$/, ci("pnpm test --reporter=default")],
  [/^pnpm test:packages$/, ci("pnpm test:packages --reporter=default")],
  [/^pnpm changeset$/, { run: ["node_modules/@changesets/cli/bin.js", "--help"] }],
  [/^pnpm check$/, ci("step check pnpm check")],
  [/^pnpm format$/, { run: ["node_modules/oxfmt/bin/oxfmt", "--check", "test/docs"] }],
  [/^pnpm turbo build$/, ci("pnpm turbo run build")],
  [/^\.ci\/run$/, ci("#!/usr/bin/env bash")],
  // The demo's address, asked as the story asks it.
  [
    /^curl http:\/\/127\.0\.0\.1:8000\/$/,
    { file: "apps/playground/src/story/acts.ts", text: "fetch(playground.url" },
  ],
  [/^node scripts\/generate-docs\.ts$/, { run: ["scripts/generate-docs.ts", "--check"] }],
  [/^node scripts\/generate-protocol\.ts$/, ci("scripts/generate-protocol.ts --check")],
  [
    /^node scripts\/generate-(plugin-dump|lua-plugin|existing-kong)\.ts$/,
    {
      file: "test/deploy/overlays.test.ts",
      text: '["generate-plugin-dump.ts", "generate-lua-plugin.ts", "generate-existing-kong.ts"]',
    },
  ],
  // Every install runs it.
  [
    /^node scripts\/make-secrets\.ts$/,
    { file: "package.json", text: '"prepare": "node scripts/make-secrets.ts"' },
  ],
  // The tutorial's own test runs them, except for packing, which test/newcomer/packed.spec.ts does.
  [
    /^(pnpm -C \.\.\/kong-serverless (demo|kong-serverless) |curl http:\/\/127\.0\.0\.1:8000\/$)/,
    { file: "test/newcomer/tutorial.test.ts", text: "expect(commands).toHaveLength(8)" },
  ],
  [
    /^(pnpm -C \.\.\/kong-serverless -r --filter-prod .* pack |npm install --prefix greeter )/,
    { file: "test/packages/install.ts", text: '"pack", "--json", "--pack-destination"' },
  ],
  [/^pnpm demo --manifests DIR --app /, { file: "test/e2e/demo-command.test.ts", text: '"--app"' }],
  [/^pnpm bench (NAME|plugin)/, { file: "bench/plugin.test.ts", text: '"plugin", "--json", "--quick"' }],
  [/^pnpm bench scale$/, { file: "bench/scale.test.ts", text: '"scale", "--json", "--quick"' }],
  [/^pnpm bench fuzz --frames (\d+|N) --seed (\d+|S)$/, { file: "bench/fuzz.test.ts", text: '"fuzz",' }],
  // These take minutes, so this only checks that the benchmarks exist.
  [/^pnpm bench consumer$/, { file: "bench/consumer.ts", text: "export async function run(" }],
  [/^pnpm bench consumer-kills$/, { file: "bench/consumer-kills.ts", text: "export async function run(" }],
  // Needs custom resource definitions that are not in the repository; its output is.
  [
    /^node scripts\/generate-kinds\.ts FOLDER\.\.\.$/,
    { file: "scripts/generate-kinds.ts", text: "generate-kinds.ts FOLDER..." },
  ],
  [
    /kong-serverless init --file /,
    { file: "test/deploy/init.test.ts", text: '"init", "--file", "app.yaml"' },
  ],
  // These need AWS or a cluster. Their own tests run them against an emulator and a stand-in for the API server.
  [/kong-serverless provision /, { run: ["apps/cli/bin/kong-serverless.js", "provision", "--help"] }],
  [/kong-serverless doctor --context /, { run: ["apps/cli/bin/kong-serverless.js", "doctor", "--help"] }],
  [
    /kong-serverless trace .* --context /,
    { file: "apps/cli/src/trace/cluster-stages.test.ts", text: "a trace of a cold start on a cluster" },
  ],
  [
    /kong-serverless doctor --(overlay|file) /,
    { file: "apps/cli/src/doctor/shipped.test.ts", text: "is found to be fine in overlay" },
  ],
];

describe.each(markdownFiles())("%s", (file) => {
  test("has no command that is neither run by a test nor in a section that says what it needs", () => {
    const unknown = commandsOf(read(file)).filter(
      ({ text, isElsewhere }) => !isElsewhere && !evidence.some(([pattern]) => pattern.test(text)),
    );
    expect(unknown).toEqual([]);
  });
});

const texts = evidence.flatMap(([pattern, how]) => ("file" in how ? [{ pattern, ...how }] : []));
const runs = evidence.flatMap(([pattern, how]) => ("run" in how ? [{ pattern, ...how }] : []));

test.each(texts)("$pattern is run by $file", ({ file, text }) => {
  expect(existsSync(join(root, file))).toBe(true);
  expect(read(file)).toContain(text);
});

test.each(runs)("$pattern works: node $run", async ({ run }) => {
  const running = promisify(execFile)(process.execPath, [...run], { cwd: root, timeout: 55_000 });
  await expect(running).resolves.toBeDefined();
});

test("commands are found in shell blocks, after prompts, over several lines, and by their program's name", () => {
  const page = [
    "Run `pnpm demo`, not `config.backend`.",
    "",
    "    npx -y pnpm@10.34.9 test      # all of them",
    "    the output of it",
    "",
    "```sh",
    "anything --at \\",
    "  all",
    "```",
    "",
    "    $ other command",
    "",
    "```yaml",
    "kubectl: no",
    "```",
  ].join("\n");
  expect(commandsOf(page).map(({ text }) => text)).toEqual([
    "pnpm demo",
    "pnpm test",
    "anything --at all",
    "other command",
  ]);
});

test("a section that needs a cluster covers the sections below it, and no other", () => {
  const page = [
    "# A",
    "## B",
    "Needs a cluster.",
    "### C",
    "    kubectl get c",
    "## D",
    "",
    "    kubectl get d",
  ];
  expect(commandsOf(page.join("\n")).map(({ isElsewhere }) => isElsewhere)).toEqual([false]);
  page.splice(4, 0, "");
  expect(commandsOf(page.join("\n")).map(({ isElsewhere }) => isElsewhere)).toEqual([true, false]);
});

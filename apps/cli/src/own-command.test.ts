import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import manifest from "../package.json" with { type: "json" };
import { ownCommand } from "./own-command.ts";
import { runBin } from "./testing/run-cli.ts";
import { workspaceRoot } from "./testing/workspace-root.ts";

const clone = workspaceRoot;
const beside = join(workspaceRoot, "../hello");
const name = workspaceRoot.split("/").at(-1) ?? "";

test.each([
  ["installed", { clone: undefined, cwd: beside, script: undefined }, "kong-serverless"],
  ["from another script", { clone: undefined, cwd: beside, script: "deploy" }, "kong-serverless"],
  ["by npx", { clone: undefined, cwd: beside, script: "npx" }, `npx -y kong-serverless@${manifest.version}`],
  [
    "by pnpm in the clone",
    { clone, cwd: clone, script: "kong-serverless" },
    "npx -y pnpm@10.34.9 kong-serverless",
  ],
  [
    "by pnpm from a folder beside the clone",
    { clone, cwd: beside, script: "kong-serverless" },
    `npx -y pnpm@10.34.9 -C ../${name} kong-serverless`,
  ],
  [
    "by Node from the clone",
    { clone, cwd: beside, script: undefined },
    `node ../${name}/apps/cli/bin/kong-serverless.js`,
  ],
])("starts the command again the way it was started: %s", async (_, options, command) => {
  expect(await ownCommand(options)).toBe(command);
});

const app = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;

test("starts the next commands that init prints", async () => {
  const folder = await mkdtemp(join(tmpdir(), "own-command-"));
  try {
    await writeFile(join(folder, "app.yaml"), app);
    const { stdout } = await runBin(
      ["init", "--file", "app.yaml", "--broker", "sqs", "--health", "/", "--json"],
      { env: { INIT_CWD: folder, npm_lifecycle_event: "kong-serverless" } },
    );
    const { next } = JSON.parse(stdout) as { next: readonly string[] };
    const own = await ownCommand({ clone, cwd: folder, script: "kong-serverless" });
    expect(next).toEqual([
      `${own} provision --file kong-serverless/web --dry-run`,
      `${own} doctor --file app.yaml --file kong-serverless/web`,
      "kubectl apply -k kong-serverless/web",
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

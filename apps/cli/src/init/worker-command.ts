import { join, relative, resolve } from "node:path";

import { ConfigError } from "@kong-serverless/config";
import { readGateway, readManifests, readSystem } from "@kong-serverless/manifests";
import { type ExitCode, exitCode } from "@kong-serverless/runtime";
import { Command } from "commander";

import { diagnose } from "../doctor/diagnose.ts";
import { formatDiagnosis } from "../doctor/format-diagnosis.ts";
import type { Shell } from "../shell.ts";
import { workerFolder } from "./worker-folder.ts";
import { formatFolder, writeFolder } from "./write-folder.ts";

interface InitWorkerOptions {
  readonly name: string;
  readonly queue?: string;
  readonly namespace: string;
  readonly region: string;
  readonly image?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** `init worker`: writes a queue consumer to start from. */
export function workerCommand(shell: Shell, finish: (code: ExitCode) => void): Command {
  return new Command("worker")
    .description("Write a queue consumer to start from: a handler, its image, and what scales it.")
    .requiredOption("--name <name>", "of the worker: a DNS label")
    .option("--queue <name>", "SQS queue that it reads from; default: NAME")
    .option("-n, --namespace <name>", "where it runs", "default")
    .option("--region <region>", "of the queue", "eu-west-1")
    .option("--image <image>", "name of the image built from its Dockerfile; default: NAME")
    .option("--out <folder>", "where to write; default: NAME")
    .option("--json", "print one JSON object: {ok, folder, files, findings, next}")
    .action(async (options: InitWorkerOptions) => {
      const { name, queue = name, namespace, region, image = name, out = name, json } = options;
      if (!/^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/.test(name)) {
        const allowed = "allowed are at most 53 of a-z, 0-9 and -, no - at either end";
        throw new ConfigError("The command line", [`--name: found ${JSON.stringify(name)}; ${allowed}`]);
      }
      const folder = resolve(shell.cwd, out);
      const files = await writeFolder(folder, workerFolder({ name, queue, namespace, region, image }));
      const shown = relative(shell.cwd, folder) || ".";
      const deploy = join(shown, "deploy");
      const diagnosis = diagnose(readSystem(await readManifests({ files: [deploy] }, shell), readGateway()));
      const next = [
        `cd ${shown} && npm install && npm start`,
        `docker build -t ${image} ${shown}`,
        `kubectl apply -k ${deploy}`,
      ];
      const ok = files.every(({ status }) => status !== "kept");
      if (json) shell.print(JSON.stringify({ ok, folder: shown, files, findings: diagnosis.findings, next }));
      else {
        shell.print(formatFolder(shown, files));
        if (!diagnosis.ok) shell.print(`\n${formatDiagnosis(diagnosis, deploy)}`);
        shell.print(`\nNext:\n${next.map((command) => `  ${command}`).join("\n")}`);
      }
      finish(ok ? exitCode.fine : exitCode.findings);
    });
}

import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { ConfigError, parseConfig } from "@kong-serverless/config";
import { parseDocuments, readText } from "@kong-serverless/manifests";
import { z } from "zod";

import type { ContainerSpec, Deployment } from "./manifests/kinds.ts";
import { bundledApp, foreignProgram, type Program } from "./processes/program.ts";
import { entryPointOf } from "./workspace.ts";

/** What stands in for an image on this machine. */
export interface MappedApp {
  /** A Deployment's name, an image, or the last part of an image's name. */
  readonly name: string;
  /** A shell command. */
  readonly command: string;
  /** Absolute. */
  readonly cwd: string;
}

const file = z.record(
  z.string(),
  z.union([
    z.string().min(1),
    z.strictObject({ command: z.string().min(1), workingDirectory: z.string().optional() }),
  ]),
);

/** Reads `NAME=COMMAND` of the command line; it runs in the caller's folder. */
export function parseMappedApp(text: string, cwd: string): MappedApp {
  const [, name, command] = /^([^=\s]+)=(.*\S.*)$/s.exec(text) ?? [];
  if (name === undefined || command === undefined) {
    throw new ConfigError("The command line", [
      `--app: found ${JSON.stringify(text)}; allowed: NAME=COMMAND`,
    ]);
  }
  return { name, command, cwd };
}

/** Reads a file of `NAME: COMMAND` or `NAME: {command, workingDirectory}`; relative to the file. */
export async function readMappedApps(path: string, cwd: string): Promise<MappedApp[]> {
  const absolute = resolve(cwd, path);
  const [document] = parseDocuments(path, await readText(absolute, path));
  return Object.entries(parseConfig(file, document?.document ?? {}, path)).map(([name, app]) => {
    const { command, workingDirectory = "." } = typeof app === "string" ? { command: app } : app;
    return { name, command, cwd: resolve(dirname(absolute), workingDirectory) };
  });
}

/** What a Deployment's container runs here; undefined if nothing on this machine can stand in for it. */
export function programOf(
  { metadata, spec }: Deployment,
  apps: readonly MappedApp[],
  cwd: string,
): Program | undefined {
  const [container] = spec.template.spec.containers;
  if (container === undefined) return undefined;
  const image = container.image.replace(/@.*$/, "").replace(/:[^/]*$/, "");
  const names = new Set([metadata.name, container.image, image, image.replace(/^.*\//, "")]);
  const mapped = apps.find(({ name }) => names.has(name));
  if (mapped) return foreignProgram(["/bin/sh", "-c", `exec ${mapped.command}`], mapped.cwd);
  const entryPoint = entryPointOf(container.image);
  if (entryPoint !== undefined) return bundledApp(entryPoint);
  const words = wordsOf(container);
  return words === undefined ? undefined : foreignProgram(words, cwd);
}

/**
 * The container's own command, if this machine has it. Arguments without a command belong to the image's entry point.
 */
function wordsOf({ command = [], args = [] }: ContainerSpec): string[] | undefined {
  const [first] = command;
  if (first === undefined || (first.startsWith("/") && !existsSync(first))) return undefined;
  return [...command, ...args];
}

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { canRun, type Need } from "@kong-serverless/testing";

const unshare = ["--map-root-user", "--net", "--mount"];

/** The test's own network and name server, in which packets can be lost. */
export function namespaces(): Need {
  return {
    what: "network namespaces",
    remedy: "apt-get install util-linux nftables, on a Linux that lets this user make them",
    isMet: canRun("unshare", ...unshare, "nft", "list", "ruleset"),
  };
}

/**
 * Plays a scene of `scenes` in a network namespace with nothing but a loopback interface, where 127.0.0.1 is the name server.
 * Resolves with the JSON that it prints.
 */
export async function playScene<Result>(scene: string): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "namespace-"));
  try {
    await writeFile(join(folder, "hosts"), "127.0.0.1 healthy\n");
    await writeFile(join(folder, "resolv.conf"), "nameserver 127.0.0.1\n");
    const commands = [
      `mount --bind ${folder}/hosts /etc/hosts`,
      `mount --bind ${folder}/resolv.conf /etc/resolv.conf`,
      "ip link set lo up",
      'exec "$@"',
    ].join(" && ");
    const script = fileURLToPath(new URL(`scenes/${scene}.ts`, import.meta.url));
    const play = ["sh", "-c", commands, "sh", process.execPath, script];
    const { stdout } = await promisify(execFile)("unshare", [...unshare, ...play]);
    return JSON.parse(stdout) as Result;
  } finally {
    await rm(folder, { recursive: true });
  }
}

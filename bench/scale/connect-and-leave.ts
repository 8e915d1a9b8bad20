import { readFile } from "node:fs/promises";

import { ScriptedSidecar } from "@kong-serverless/testing";

import { isServed, startServerless } from "../plugin/plugin-process.ts";
import { rounded } from "../plugin/quantile.ts";

export interface ConnectRow {
  /** Connections opened in one turn, each closed as soon as it is open. */
  readonly connections: number;
  /** Refused with EAGAIN because the backlog was full: Kong then answers 500. */
  readonly refused: number;
  /** Until the last one was open or refused. */
  readonly tookMs: number;
}

/** Opens very many connections at once. The kernel's own limit, `somaxconn`, is part of the result. */
export async function measureConnectAndLeave(
  counts: readonly number[],
  progress: (line: string) => void,
): Promise<{ somaxconn: number; rows: ConnectRow[] }> {
  await using sidecar = await new ScriptedSidecar().start();
  await using plugin = await startServerless(sidecar.url);
  const rows: ConnectRow[] = [];
  for (const connections of counts) {
    const startedAtMs = performance.now();
    const outcomes = await Promise.all(
      Array.from({ length: connections }, () => isServed(plugin.socketPath)),
    );
    const row = {
      connections,
      refused: outcomes.filter((isThere) => !isThere).length,
      tookMs: rounded(performance.now() - startedAtMs),
    };
    progress(`connect and leave  ${JSON.stringify(row)}`);
    rows.push(row);
  }
  return { somaxconn: Number(await readFile("/proc/sys/net/core/somaxconn", "utf8")), rows };
}

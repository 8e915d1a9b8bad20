import { KongPeer } from "@kong-serverless/kong-protocol/testing";
import { ScriptedSidecar } from "@kong-serverless/testing";

import { MemoryMeter } from "../plugin/memory.ts";
import { startServerless } from "../plugin/plugin-process.ts";
import { rounded } from "../plugin/quantile.ts";

export interface NamesRow {
  /** Backend names so far, each with its own plugin entity. */
  readonly names: number;
  /** Used heap of the plugin server, after garbage collection. */
  readonly heapMiB: number;
  readonly rssMiB: number;
  /** Of which V8 keeps nothing for the next garbage. */
  readonly shrunkRssMiB: number;
  readonly metricsKiB: number;
  readonly scrapeMs: number;
}

const connections = 8;
const mebibyte = 2 ** 20;

/** Configures more and more backends, as preview environments come and go; the server is not told which are gone. */
export async function measureNames(
  marks: readonly number[],
  progress: (line: string) => void,
): Promise<NamesRow[]> {
  await using sidecar = await new ScriptedSidecar().start();
  await using plugin = await startServerless(sidecar.url, MemoryMeter.nodeArgs);
  const meter = new MemoryMeter(plugin.app);
  const { opsPort } = await plugin.app.waitFor("service.started", { timeoutMs: 60_000 });
  const kong = await Promise.all(
    Array.from({ length: connections }, () => KongPeer.connect(plugin.socketPath)),
  );
  const rows: NamesRow[] = [];
  let names = 0;
  for (const mark of marks) {
    const next = () => (names < mark ? `preview-${names++}` : undefined);
    await Promise.all(kong.map((peer) => startAll(peer, next)));
    const startedAtMs = performance.now();
    const metrics = await (await fetch(`http://127.0.0.1:${String(opsPort)}/metrics`)).text();
    const scrapeMs = rounded(performance.now() - startedAtMs);
    const { heapBytes, rssBytes } = await meter.collectAndSample();
    const shrunk = await meter.shrinkAndSample();
    const row = {
      names,
      heapMiB: rounded(heapBytes / mebibyte),
      rssMiB: rounded(rssBytes / mebibyte),
      shrunkRssMiB: rounded(shrunk.rssBytes / mebibyte),
      metricsKiB: Math.round(metrics.length / 1024),
      scrapeMs,
    };
    progress(`names  ${JSON.stringify(row)}`);
    rows.push(row);
  }
  for (const peer of kong) peer.frames.close();
  return rows;
}

async function startAll(peer: KongPeer, next: () => string | undefined): Promise<void> {
  for (let name = next(); name !== undefined; name = next()) {
    const backend = { name, health: "/healthz", pubsub: "pubsub", topic: "wake" };
    await peer.startInstance({ backend: [backend], __key__: name, __seq__: 1 }, "serverless");
  }
}

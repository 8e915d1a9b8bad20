import { readFileSync } from "node:fs";

export interface RecordedFrame {
  readonly from: "kong" | "server";
  /** What the frame is, in words: `RpcCall CmdHandleEvent access`, `PDK call kong.request.get_path`. */
  readonly what: string;
  readonly bytes: Buffer;
}

export interface RecordedConnection {
  readonly connection: number;
  readonly frames: readonly RecordedFrame[];
}

/**
 * What a Kong Gateway 3.9.1 and a plugin server said to each other, in order, for each connection. Each `log` event ends after
 * its call of `get_path`, which Kong cannot answer in that phase.
 */
export function readGoldenFrames(): RecordedConnection[] {
  const file = new URL("../fixtures/kong-3.9.1.json", import.meta.url);
  const recorded = JSON.parse(readFileSync(file, "utf8")) as {
    connection: number;
    frames: { from: "kong" | "server"; what: string; hex: string }[];
  }[];
  return recorded.map(({ connection, frames }) => ({
    connection,
    frames: frames.map(({ from, what, hex }) => ({ from, what, bytes: Buffer.from(hex, "hex") })),
  }));
}

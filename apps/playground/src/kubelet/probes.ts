import { execFile } from "node:child_process";
import { connect } from "node:net";

import { withDeadline } from "@kong-serverless/runtime";

import type { Endpoint } from "../network/endpoint.ts";

/** A kubelet's tcpSocket probe: whether the port accepts a connection in time. Never rejects. */
export async function accepts(endpoint: Endpoint, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  using deadline = withDeadline(timeoutMs, () => new Error("too late"), signal);
  return new Promise((resolve) => {
    const socket = connect({ ...endpoint, signal: deadline.signal });
    const end = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => end(true)).on("error", () => end(false));
  });
}

export interface ExecOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A kubelet's exec probe: whether the command exits with 0 in time. Never rejects. */
export function succeeds({
  command,
  args,
  cwd,
  environment,
  timeoutMs,
  signal,
}: ExecOptions): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      {
        env: environment,
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        signal,
        ...(cwd !== undefined && { cwd }),
      },
      (error) => resolve(error === null),
    ).on("error", () => resolve(false));
  });
}

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { freePort } from "@kong-serverless/runtime";
import { stringify } from "yaml";

import { accountId } from "../broker/emulator.ts";
import type { Component } from "../manifests/kinds.ts";
import { ChildProcess } from "../processes/child-process.ts";
import { untilReady } from "../processes/until-ready.ts";
import type { Sidecar } from "./sidecar.ts";

export interface DaprdOptions {
  /** The executable. */
  readonly command: string;
  readonly component: Component;
  readonly brokerEndpoint: string;
  readonly environment: Readonly<Record<string, string>>;
  /** A folder that the playground removes at its end. */
  readonly folder: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly onLine: (line: string) => void;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

const stopGraceMs = 5_000;

/** The version of an installed daprd; undefined if `command` is not one. */
export async function daprdVersion(command: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(command, ["--version"], { timeout: 5_000 });
    return stdout.trim().split("\n").at(-1);
  } catch {
    return undefined;
  }
}

/** Runs the real daprd with the base's own Component, pointed at the playground's broker. */
export async function startDaprd(options: DaprdOptions & { readonly version: string }): Promise<Sidecar> {
  await writeFile(join(options.folder, "pubsub.yaml"), stringify(pointAt(options)));
  const [port, grpcPort, internalPort] = await Promise.all([
    options.port || freePort(),
    freePort(),
    freePort(),
  ]);
  const child = new ChildProcess({
    command: options.command,
    args: Object.entries({
      "app-id": "playground",
      "resources-path": options.folder,
      "log-level": "warn",
      "dapr-listen-addresses": "127.0.0.1",
      "dapr-http-port": port,
      "dapr-grpc-port": grpcPort,
      "dapr-internal-grpc-port": internalPort,
      "enable-metrics": false,
      "dapr-graceful-shutdown-seconds": 1,
    }).map(([flag, value]) => `--${flag}=${value}`),
    // The command may have been found by PATH.
    environment: { ...options.environment, PATH: process.env["PATH"] ?? "" },
    onLine: options.onLine,
  });
  await untilReady(child, {
    name: "daprd",
    url: `http://127.0.0.1:${port}/v1.0/healthz/outbound`,
    signal: options.signal,
  });
  return { description: `daprd ${options.version}`, port, stop: () => child.stop(stopGraceMs) };
}

function pointAt({ component, brokerEndpoint, environment }: DaprdOptions): Component {
  const metadata = {
    ...Object.fromEntries(component.spec.metadata.map(({ name, value }) => [name, value])),
    endpoint: brokerEndpoint,
    accessKey: environment["AWS_ACCESS_KEY_ID"],
    secretKey: environment["AWS_SECRET_ACCESS_KEY"],
    // With an account ID the component does not ask STS for it.
    accountID: accountId,
  };
  return {
    ...component,
    spec: {
      ...component.spec,
      metadata: Object.entries(metadata).map(([name, value]) => ({ name, value: value ?? "" })),
    },
  };
}

import type { Broker } from "../broker/broker.ts";
import type { Journal } from "../journal.ts";
import type { Component } from "../manifests/kinds.ts";
import { daprdVersion, startDaprd } from "./daprd.ts";
import { SidecarSwitch } from "./sidecar-switch.ts";
import { startStandIn } from "./stand-in.ts";

export interface StartSidecarOptions {
  readonly component: Component;
  readonly broker: Broker;
  /** The command of a real daprd. */
  readonly daprd: string;
  /** A folder that the playground removes at its end. */
  readonly folder: string;
  readonly journal: Journal;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

/** Starts the real daprd if it is installed, else its stand-in. */
export async function startSidecar({
  signal,
  component,
  broker,
  daprd,
  folder,
  journal,
}: StartSidecarOptions): Promise<SidecarSwitch> {
  const version = await daprdVersion(daprd);
  return SidecarSwitch.start((port) =>
    version === undefined
      ? startStandIn({
          pubsub: component.metadata.name,
          sns: broker.sns,
          port,
          onError: (error) => journal.record("sidecar", "sidecar.failed", { error: String(error) }),
        })
      : startDaprd({
          command: daprd,
          version,
          component,
          brokerEndpoint: broker.endpoint,
          environment: broker.environment,
          folder,
          port,
          signal,
          onLine: (line) => journal.record("sidecar", "output", { line }),
        }),
  );
}

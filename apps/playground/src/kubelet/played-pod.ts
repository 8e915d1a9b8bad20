import { probe } from "@kong-serverless/health-poller";
import { pause } from "@kong-serverless/runtime";

import type { ContainerSpec, PodSpec } from "../manifests/kinds.ts";
import type { Endpoint } from "../network/endpoint.ts";
import { ChildProcess, type Exit } from "../processes/child-process.ts";
import type { Program } from "../processes/program.ts";
import { podIp } from "./pod-environment.ts";
import { accepts, succeeds } from "./probes.ts";
import { restartDelays } from "./restart-delays.ts";

type ReadinessProbe = NonNullable<ContainerSpec["readinessProbe"]>;

export interface PlayedPodOptions {
  readonly name: string;
  readonly spec: PodSpec;
  /** What plays the container's image. */
  readonly program: Program;
  readonly environment: Readonly<Record<string, string>>;
  /** Container port -> this pod's port for it. */
  readonly ports: ReadonlyMap<number, number>;
  readonly onLine: (line: string) => void;
  readonly onEvent: (event: string, fields: Record<string, unknown>) => void;
}

/** One pod: a process of the real app that is started, probed, restarted and stopped like a kubelet does. */
export class PlayedPod {
  readonly #options: PlayedPodOptions;
  readonly #deleted = new AbortController();
  readonly #lifecycle: Promise<void>;
  #process: ChildProcess | undefined;
  #isReady = false;
  #isTerminating = false;

  constructor(options: PlayedPodOptions) {
    this.#options = options;
    this.#lifecycle = this.#run();
  }

  get name(): string {
    return this.#options.name;
  }

  get isTerminating(): boolean {
    return this.#isTerminating;
  }

  /** Whether Services route to it. A terminating pod gets no new connections. */
  get isReady(): boolean {
    return this.#isReady && !this.#isTerminating;
  }

  /** The pod's address for a container port, given by number or name. */
  endpoint(port: number | string): Endpoint | undefined {
    const local = this.#options.ports.get(containerPort(this.#options.spec, port));
    return local === undefined ? undefined : { host: podIp, port: local };
  }

  /**
   * Terminates the pod as a deletion does: preStop, SIGTERM, SIGKILL at the end of the grace period. It is not
   * restarted.
   */
  async terminate(): Promise<void> {
    this.#isTerminating = true;
    const { terminationGracePeriodSeconds, containers } = this.#options.spec;
    const preStopSeconds = containers[0]?.lifecycle?.preStop?.sleep?.seconds ?? 0;
    this.#options.onEvent("pod.terminating", {});
    await pause(preStopSeconds * 1000, this.#deleted.signal);
    await this.stop((terminationGracePeriodSeconds - preStopSeconds) * 1000);
  }

  /** SIGTERM now, SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#isTerminating = true;
    this.#deleted.abort();
    await this.#process?.stop(Math.max(0, graceMs));
    await this.#lifecycle;
  }

  /** SIGKILL, as when its node runs out of memory. The container is restarted unless the pod terminates. */
  kill(): void {
    this.#process?.kill();
  }

  async #run(): Promise<void> {
    const { signal } = this.#deleted;
    for (const restartDelayMs of restartDelays()) {
      if (this.#isTerminating) break;
      const exit = await this.#runContainer();
      if (this.#isTerminating) break;
      this.#options.onEvent("container.exited", { ...exit, restartDelayMs });
      await pause(restartDelayMs, signal);
    }
    // Nothing is left for preStop to wait for.
    this.#deleted.abort();
  }

  async #runContainer(): Promise<Exit> {
    const { program, environment, onLine, onEvent } = this.#options;
    const child = new ChildProcess({ ...program, environment, onLine });
    this.#process = child;
    onEvent("process.started", { pid: child.pid });
    const ended = new AbortController();
    const probing = this.#probeReadiness(AbortSignal.any([this.#deleted.signal, ended.signal]));
    const exit = await child.exited;
    ended.abort();
    await probing;
    this.#setReady(false);
    return exit;
  }

  async #probeReadiness(signal: AbortSignal): Promise<void> {
    const readinessProbe = this.#options.spec.containers[0]?.readinessProbe;
    if (!readinessProbe) {
      this.#setReady(true);
      return;
    }
    const { initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold } = readinessProbe;
    let failures = 0;
    await pause(initialDelaySeconds * 1000, signal);
    while (!signal.aborted) {
      const isReady = await this.#isReadyNow(readinessProbe, timeoutSeconds * 1000, signal);
      failures = isReady ? 0 : failures + 1;
      if (isReady) this.#setReady(true);
      else if (failures >= failureThreshold) this.#setReady(false);
      await pause(periodSeconds * 1000, signal);
    }
  }

  async #isReadyNow(
    { httpGet, tcpSocket, exec }: ReadinessProbe,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const port = httpGet?.port ?? tcpSocket?.port;
    if (port !== undefined) {
      const endpoint = this.endpoint(port);
      if (!endpoint) return false;
      if (httpGet === undefined) return accepts(endpoint, timeoutMs, signal);
      const url = `http://${endpoint.host}:${endpoint.port}${httpGet.path}`;
      return (await probe({ url, timeoutMs }, signal)).isReady;
    }
    if (exec === undefined) return true;
    const { program, environment } = this.#options;
    const [command = "", ...args] = exec.command;
    return succeeds({ command, args, cwd: program.cwd, environment, timeoutMs, signal });
  }

  #setReady(isReady: boolean): void {
    if (this.#isReady === isReady) return;
    this.#isReady = isReady;
    if (!this.#isTerminating) this.#options.onEvent(isReady ? "pod.ready" : "pod.unready", {});
  }
}

/** A port reference as a number. An unknown name gives NaN, which matches no port. */
function containerPort(spec: PodSpec, port: number | string): number {
  if (typeof port === "number") return port;
  const named = spec.containers[0]?.ports.find(({ name }) => name === port);
  return named?.containerPort ?? Number.NaN;
}

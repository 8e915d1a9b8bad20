import type { Sidecar } from "./sidecar.ts";

/** A sidecar that can be turned off and on again at the same port, because apps keep its address. */
export class SidecarSwitch implements Sidecar {
  readonly #start: (port: number) => Promise<Sidecar>;
  readonly description: string;
  readonly port: number;
  #running: Sidecar | undefined;
  /** Makes calls take effect one after the other. */
  #turning: Promise<void> = Promise.resolve();

  /** `start` gets the port to listen on; 0 takes any free one. */
  static async start(start: (port: number) => Promise<Sidecar>): Promise<SidecarSwitch> {
    return new SidecarSwitch(start, await start(0));
  }

  private constructor(start: (port: number) => Promise<Sidecar>, running: Sidecar) {
    this.#start = start;
    this.#running = running;
    this.description = running.description;
    this.port = running.port;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves once it is on; rejects, and stays off, if it cannot be started. */
  turnOn(): Promise<void> {
    return this.#turn(async () => {
      this.#running ??= await this.#start(this.port);
    });
  }

  /** Resolves once nothing listens on its port. */
  turnOff(): Promise<void> {
    return this.#turn(async () => {
      const running = this.#running;
      this.#running = undefined;
      await running?.stop();
    });
  }

  stop(): Promise<void> {
    return this.turnOff();
  }

  #turn(task: () => Promise<void>): Promise<void> {
    const turned = this.#turning.then(task);
    this.#turning = turned.catch(() => {});
    return turned;
  }
}

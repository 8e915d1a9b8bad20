import type { AddressInfo } from "node:net";

import { buildApp } from "fauxqs";

interface StoredMessage {
  /** Epoch ms. */
  readonly sentTimestamp: number;
}

/** What is on a queue, without receiving it. */
export interface QueueContents {
  readonly url: string;
  readonly messages: {
    readonly ready: readonly StoredMessage[];
    readonly delayed: readonly StoredMessage[];
    readonly inflight: readonly { readonly message: StoredMessage; readonly visibilityDeadline: number }[];
  };
}

/** The account of everything in fauxqs. */
export const accountId = "000000000000";

/** fauxqs on loopback only: its own `startFauxqs` listens on every address of the machine. */
export class Emulator {
  readonly #app: ReturnType<typeof buildApp>;

  static async start(region: string): Promise<Emulator> {
    const app = buildApp({ logger: false, host: "127.0.0.1", defaultRegion: region });
    await app.listen({ host: "127.0.0.1", port: 0 });
    return new Emulator(app);
  }

  private constructor(app: ReturnType<typeof buildApp>) {
    this.#app = app;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#app.server.address() as AddressInfo).port}`;
  }

  /** Undefined for a queue that does not exist. */
  async inspect(queue: string): Promise<QueueContents | undefined> {
    const response = await this.#app.inject({ url: `/_fauxqs/queues/${queue}` });
    return response.statusCode === 200 ? response.json<QueueContents>() : undefined;
  }

  async stop(): Promise<void> {
    await this.#app.close();
  }
}

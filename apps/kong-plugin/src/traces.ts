import type { ActivatorEvent, HoldResult } from "@kong-serverless/activator";
import type { TracesSettings } from "@kong-serverless/config";
import { type Log, ServerlessError } from "@kong-serverless/runtime";

import type { TracedRequest, Tracer } from "./tracer.ts";

/** Traces of cold starts, if an endpoint is configured. OpenTelemetry, which is larger than the plugin, is loaded only then. */
export class Traces {
  readonly #log: Log;
  #tracer: Tracer | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  get isOn(): boolean {
    return this.#tracer !== undefined;
  }

  async start(settings: TracesSettings | undefined): Promise<void> {
    if (settings === undefined) return;
    const { Tracer } = await import("./tracer.ts");
    this.#tracer = new Tracer(settings);
    this.#log.info({ url: settings.url }, "traces.started");
  }

  /** Calls `hold` as part of the request's trace. */
  async hold(request: TracedRequest, hold: () => Promise<HoldResult>): Promise<HoldResult> {
    if (this.#tracer === undefined) return hold();
    const span = this.#tracer.startHold(request);
    try {
      const held = await span.run(hold);
      span.end("released");
      return held;
    } catch (error) {
      span.end(error instanceof ServerlessError ? error.code : "left");
      throw error;
    }
  }

  observe(event: ActivatorEvent): void {
    this.#tracer?.observe(event);
  }

  /** Exports the spans that are left. Never rejects. */
  async stop(): Promise<void> {
    try {
      await this.#tracer?.stop();
    } catch (error) {
      this.#log.warn({ error }, "traces.lost");
    }
  }
}

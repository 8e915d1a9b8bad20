import { type MetricSample, readPluginMetrics } from "../gateway/plugin-metrics.ts";
import type { JournalEntry } from "../journal.ts";
import type { Target } from "./messages.ts";

export type BackendState = Pick<NonNullable<Target["backend"]>, "state" | "leaseLeftMs">;

/** How backends stand with the plugin: activations as the journal tells them, leases as the plugin server's metrics do. */
export class BackendStates {
  readonly #activating = new Set<string>();
  #leases: readonly MetricSample[] = [];

  note({ role, event, fields }: JournalEntry): void {
    if (role !== "plugin") return;
    const backend = String(fields["backend"]);
    if (event === "activation.started") this.#activating.add(backend);
    if (event === "activation.ready" || event === "activation.failed") this.#activating.delete(backend);
    // A plugin server that starts anew has forgotten what its predecessor was at.
    if (event === "service.started") this.#activating.clear();
  }

  /** Asks the plugin server. Without an answer no lease is known. */
  async refresh(opsPort: number, signal: AbortSignal): Promise<void> {
    const samples = await readPluginMetrics(opsPort, signal).catch(() => []);
    this.#leases = samples.filter(({ name }) => name === "serverless_ready_lease_seconds");
  }

  of(backend: string): BackendState {
    if (this.#activating.has(backend)) return { state: "activating", leaseLeftMs: 0 };
    const lease = this.#leases.find(({ labels }) => labels["backend"] === backend);
    const leaseLeftMs = Math.round((lease?.value ?? 0) * 1000);
    return { state: leaseLeftMs > 0 ? "ready" : "cold", leaseLeftMs };
  }
}

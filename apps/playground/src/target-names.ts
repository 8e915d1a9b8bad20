import type { JournalEntry } from "./journal.ts";
import type { Cluster } from "./manifests/cluster.ts";
import { leadsTo } from "./network/services.ts";

/** Finds the scale target that a journal entry is about, whatever its role calls it. */
export class TargetNames {
  readonly #byBackend: ReadonlyMap<string, string>;
  readonly #byService: ReadonlyMap<string, string>;

  constructor(cluster: Pick<Cluster, "scaleTargets" | "services">) {
    this.#byBackend = byBackend(cluster);
    this.#byService = byService(cluster);
  }

  of({ fields: { target, backend, service } }: JournalEntry): string | undefined {
    if (typeof target === "string") return target;
    return this.#byBackend.get(String(backend)) ?? this.#byService.get(String(service));
  }
}

/** By the plugin's names for them. */
function byBackend({ scaleTargets }: Pick<Cluster, "scaleTargets">): Map<string, string> {
  return new Map(scaleTargets.flatMap(({ name, backend }) => (backend ? [[backend.name, name]] : [])));
}

/** By the Services that lead to them, as the gateway names them. */
function byService({
  scaleTargets,
  services,
}: Pick<Cluster, "scaleTargets" | "services">): Map<string, string> {
  return new Map(
    scaleTargets.flatMap(({ name, deployment }) =>
      services
        .filter((service) => leadsTo(service, deployment.spec.template.metadata.labels))
        .map((service) => [service.metadata.name, name] as const),
    ),
  );
}

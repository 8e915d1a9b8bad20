import type { BackendSettings } from "./resolve-backend.ts";

/**
 * What is wrong with the chains among one configuration's backends. Other names may be another plugin's: `kong-serverless
 * doctor`, which knows both, checks those.
 */
export function* chainIssues(backends: readonly BackendSettings[]): Generator<string> {
  const known = new Map(backends.map((settings) => [settings.name, settings]));
  for (const [index, settings] of backends.entries()) {
    for (const [position, name] of (settings.waitFor ?? []).entries()) {
      const awaited = known.get(name);
      const missing = awaited && missingForProbes(awaited);
      if (missing === undefined) continue;
      yield `backend[${index}].waitFor[${position}]: found ${JSON.stringify(name)}, which has no \`${missing}\`; without it nothing says when it is ready`;
    }
  }
  const cycle = findCycle([...known.values()]);
  if (cycle === undefined) return;
  const index = backends.findIndex(({ name }) => name === cycle[0]);
  yield `backend[${index}]: found the cycle ${cycle.join(" -> ")} in \`alsoWake\` and \`waitFor\`; a chain must have an end`;
}

/** The missing field without which a backend that gets no requests cannot be probed. */
export function missingForProbes({ health, upstream }: BackendSettings): "health" | "upstream" | undefined {
  if (health === undefined) return "health";
  return upstream === undefined ? "upstream" : undefined;
}

/** The names that a backend wakes, each once. */
export function chainedNames({ alsoWake = [], waitFor = [] }: BackendSettings): ReadonlySet<string> {
  return new Set([...alsoWake, ...waitFor]);
}

/** The names on one cycle, the first of them also at the end. */
export function findCycle(backends: readonly BackendSettings[]): readonly string[] | undefined {
  const known = new Map(backends.map((settings) => [settings.name, settings]));
  const finished = new Set<string>();
  /** From the first name to the current one. */
  const path: string[] = [];

  const visit = (name: string): readonly string[] | undefined => {
    const settings = known.get(name);
    if (settings === undefined || finished.has(name)) return undefined;
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    path.push(name);
    for (const next of chainedNames(settings)) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    finished.add(name);
    return undefined;
  };

  for (const { name } of backends) {
    const cycle = visit(name);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

import { chainIssues } from "./chain-issues.ts";
import { withoutKongFields } from "./kong-fields.ts";
import { ConfigError, parseConfig } from "./parse.ts";
import { type PluginInput, pluginSchema } from "./plugin-schema.ts";
import { type BackendSettings, resolveBackend } from "./resolve-backend.ts";

const headerValue = /^[\t\x20-\x7e]{0,4096}$/;

/** Which requests are for a backend. */
export interface BackendMatch {
  /** Path prefix on segment boundaries; absent: every path. */
  readonly target?: string;
  /** Host names, also `*.example.com`; absent: every host. */
  readonly hosts?: readonly string[];
}

export interface MatchedBackend {
  /** Whether any request is for it. */
  readonly isRouted: boolean;
  readonly match: BackendMatch;
  readonly settings: BackendSettings;
}

/** The plugin's configuration with every default resolved. */
export interface PluginConfig {
  readonly backends: readonly MatchedBackend[];
  /** What the gateway takes on for all backends and for each client. */
  readonly limits: {
    readonly maxHeldTotal: number;
    readonly maxActivations: number;
    readonly maxHeldPerClient: number;
    readonly maxColdStartsPerClient: number;
  };
  /** 0: no waiting page. */
  readonly waitingPageAfterMs: number;
  readonly wakeExceptions: { readonly userAgents: readonly string[]; readonly paths: readonly string[] };
}

/**
 * Reads the plugin's configuration as Kong hands it over: what Kong adds (`route_id`, `__seq__` ...) is left out, `null`
 * is absent, and every default is resolved. Throws a ConfigError that lists each fault.
 *
 * @param source Names where the configuration came from, for the error message.
 */
export function parsePluginConfig(config: unknown, source: string): PluginConfig {
  const input = parseConfig(pluginSchema, withoutKongFields(config), source);
  const issues: string[] = [];
  const { maxHeldTotal, maxActivations, maxHeldPerClient, maxColdStartsPerClient } = input;
  const backends = input.backend.map((backend, index) => ({
    isRouted: backend.routed ?? true,
    match: {
      ...(backend.target !== undefined && { target: backend.target }),
      ...(backend.hosts !== undefined && { hosts: backend.hosts }),
    },
    settings: resolveBackend(input, backend, (issue) => issues.push(`backend[${index}]${issue}`)),
  }));
  issues.push(
    ...crossFieldIssues(input),
    ...ambiguities(backends),
    ...chainIssues(backends.map(({ settings }) => settings)),
  );
  if (issues.length > 0) throw new ConfigError(source, issues);
  return {
    backends,
    limits: { maxHeldTotal, maxActivations, maxHeldPerClient, maxColdStartsPerClient },
    waitingPageAfterMs: input.waitingPageAfterMs,
    wakeExceptions: input.wakeExceptions,
  };
}

function* crossFieldIssues(input: PluginInput): Generator<string> {
  const { min, max } = input.probeStatuses;
  if (min > max) yield `probeStatuses: found min ${min} and max ${max}; min must not be above max`;
  for (const [name, value] of Object.entries(input.probeHeaders ?? {})) {
    // It may be a secret: the message, which ends up in logs, does not show it.
    if (!headerValue.test(value))
      yield `probeHeaders.${name}: must be at most 4096 characters of printable ASCII`;
  }
}

/** Two backends for the same requests, or one name for two different backends: either way the second could not be meant. */
function* ambiguities(backends: readonly MatchedBackend[]): Generator<string> {
  const settingsByName = new Map<string, string>();
  const matches = new Set<string>();
  for (const [index, { match, settings, isRouted }] of backends.entries()) {
    const written = JSON.stringify(settings);
    if ((settingsByName.get(settings.name) ?? written) !== written) {
      yield `backend[${index}].name: found ${JSON.stringify(settings.name)}, which an earlier backend has with other settings; names must be unique`;
    }
    settingsByName.set(settings.name, written);
    for (const host of isRouted ? (match.hosts ?? ["*"]) : []) {
      const key = `${host} ${match.target ?? "/"}`;
      if (matches.has(key)) {
        yield `backend[${index}]: found the same target and host as an earlier backend; requests could go to either`;
      }
      matches.add(key);
    }
  }
}

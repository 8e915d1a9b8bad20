import type { BackendMatch } from "@kong-serverless/config";

import { isBelow } from "./path-prefix.ts";

/** Finds which of a plugin's backends a request is for. */
export class BackendRouter<Backend> {
  /** The longest target first; for the same target, exact hosts before wildcards before any host. */
  readonly #rules: readonly RoutingRule<Backend>[];
  readonly needsPath: boolean;
  readonly needsHost: boolean;

  constructor(backends: readonly { readonly match: BackendMatch; readonly backend: Backend }[]) {
    this.#rules = backends
      .flatMap(({ match, backend }) =>
        (match.hosts ?? [""]).map((host) => ({ host, target: match.target ?? "/", backend })),
      )
      .sort((a, b) => b.target.length - a.target.length || specificity(b.host) - specificity(a.host));
    this.needsPath = backends.some(({ match }) => match.target !== undefined);
    this.needsHost = backends.some(({ match }) => match.hosts !== undefined);
  }

  /** The only backend, if it takes every request. */
  get only(): Backend | undefined {
    return this.needsPath || this.needsHost ? undefined : this.#rules[0]?.backend;
  }

  /**
   * @param path As Kong gives it: decoded and normalised, so that neither escapes nor dot segments lead elsewhere.
   * @param host Without a port, in upper or lower case.
   */
  find(path: string, host: string): Backend | undefined {
    const name = host.toLowerCase();
    return this.#rules.find((rule) => isHost(name, rule.host) && isBelow(path, rule.target))?.backend;
  }
}

interface RoutingRule<Backend> {
  /** Empty: any host. */
  readonly host: string;
  readonly target: string;
  readonly backend: Backend;
}

function specificity(host: string): number {
  if (host === "") return 0;
  return host.startsWith("*.") ? host.length : 1000 + host.length;
}

function isHost(name: string, pattern: string): boolean {
  return pattern === "" || name === pattern || (pattern.startsWith("*.") && name.endsWith(pattern.slice(1)));
}

import type { Activator } from "@kong-serverless/activator";
import {
  ConfigError,
  parsePluginConfig,
  type PluginConfig,
  type EntityIdentity,
  entityIdentityOf,
} from "@kong-serverless/config";
import { type Log, ServerlessError } from "@kong-serverless/runtime";

import { type Answer, problem } from "./answer.ts";
import { BackendRouter } from "./backend-router.ts";
import { claimBackends } from "./claims.ts";
import { Destination } from "./destination.ts";
import type { Metrics } from "./metrics.ts";
import type { Traces } from "./traces.ts";
import type { WaitingPage } from "./waiting-page.ts";

export interface EntityParts {
  readonly activator: Activator;
  readonly metrics: Metrics;
  readonly traces: Traces;
  readonly waitingPage: WaitingPage;
  readonly log: Log;
}

interface Claim {
  /** In the order of the configuration. */
  readonly destinations: readonly Destination[];
  readonly router: BackendRouter<Destination>;
}

/** A plugin entity: its configuration, and its claim to the backends in it. */
export class Entity {
  readonly #parts: EntityParts;
  readonly #config: PluginConfig | ServerlessError;
  #identity: EntityIdentity;
  #claim: Claim | undefined;
  #release: () => void = () => {};

  /**
   * Never throws for an invalid configuration: the fault is logged, and its requests are refused. An error in place of a
   * configuration says why there is none.
   */
  constructor(config: unknown, parts: EntityParts) {
    this.#parts = parts;
    this.#identity = entityIdentityOf(config);
    const { key } = this.#identity;
    this.#config = readConfig(config, `The configuration of plugin serverless (${key})`);
    this.#tryToClaim();
  }

  /** For a request. Throws CONFIG_REFUSED or BACKEND_CONFLICT. */
  claim(): Claim {
    try {
      // A conflict may be over: after a reload, the other owner's instance is replaced at its next request.
      this.#claim ??= this.#claimBackends();
    } catch (error) {
      if (error instanceof ServerlessError) this.#parts.metrics.configurationRefused(error.code);
      throw error;
    }
    return this.#claim;
  }

  /** The gateway has this configuration again, as after a rollback: its settings replace those that came in between. */
  configuredAgain(seq: number): void {
    const isRefused = this.#config instanceof ServerlessError;
    const isCurrent = this.#claim?.destinations.every((destination) => destination.isCurrent);
    if (isRefused || isCurrent || seq < this.#identity.seq) return;
    this.#identity = { ...this.#identity, seq };
    const release = this.#takeRelease();
    this.#tryToClaim();
    // Last, so that the backends are never without an owner.
    release();
  }

  release(): void {
    this.#takeRelease()();
  }

  #takeRelease(): () => void {
    const release = this.#release;
    this.#release = () => {};
    this.#claim = undefined;
    return release;
  }

  #tryToClaim(): void {
    try {
      this.#claim = this.#claimBackends();
    } catch (error) {
      this.#parts.log.error({ error, entity: this.#identity.key }, "instance.refused");
    }
  }

  #claimBackends(): Claim {
    const config = this.#config;
    if (config instanceof ServerlessError) throw config;
    const { activator, metrics, traces, waitingPage } = this.#parts;
    const { backends, release } = claimBackends(activator, config.backends, this.#identity);
    this.#release = release;
    const claimed = backends.map(({ matched, backend }) => {
      const requests = metrics.requestsOf(backend.name);
      const destination = new Destination({
        config,
        matched,
        backend,
        metrics: requests,
        traces,
        waitingPage,
      });
      return { matched, destination };
    });
    const rules = claimed
      .filter(({ matched }) => matched.isRouted)
      .map(({ matched, destination }) => ({ match: matched.match, backend: destination }));
    return { destinations: claimed.map(({ destination }) => destination), router: new BackendRouter(rules) };
  }
}

function readConfig(config: unknown, source: string): PluginConfig | ServerlessError {
  if (config instanceof ServerlessError) return config;
  try {
    return parsePluginConfig(config, source);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return new ServerlessError("CONFIG_REFUSED", error.message, { cause: error });
  }
}

/** The answer to a request whose entity cannot serve it. Rethrows an error that has no code. */
export function refusal(error: unknown): Answer {
  if (!(error instanceof ServerlessError)) throw error;
  const { code, backend = "" } = error;
  return problem({ code, backend, retryAfterMs: 1000 });
}

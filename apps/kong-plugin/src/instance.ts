import type { Activator, Backend } from "@kong-serverless/activator";
import {
  parsePluginConfig,
  type PluginConfig,
  type PluginEntity,
  pluginEntityOf,
} from "@kong-serverless/config";
import type { PluginInstance } from "@kong-serverless/plugin-server";
import { type Log, ServerlessError } from "@kong-serverless/runtime";

import { problem } from "./answer.ts";
import { claimBackends } from "./claims.ts";
import { ColdPath } from "./cold-path.ts";
import type { Kong } from "./kong.ts";
import { Matcher } from "./matcher.ts";
import type { Metrics, RequestMetrics } from "./metrics.ts";

/** What Kong answers by itself when it could not reach the upstream, found it gone, or waited for it in vain. */
const upstreamFailures = new Set([502, 503, 504]);
/** What it answers when a request's body cannot be read, which it tries only after `access`: broken, too slow, too large. */
const bodyFailures = new Set([400, 408, 413]);
const sharedKey = "serverless_backend";

export interface InstanceParts {
  readonly activator: Activator;
  readonly metrics: Metrics;
  readonly log: Log;
}

interface Destination {
  readonly backend: Backend;
  readonly coldPath: ColdPath;
  readonly metrics: RequestMetrics;
}

/** The plugin for one plugin entity and nginx worker. */
export class Instance implements PluginInstance {
  readonly #parts: InstanceParts;
  readonly #config: PluginConfig;
  readonly #entity: PluginEntity;
  #matcher: Matcher<Destination> | undefined;
  #release: () => void = () => {};

  /** Throws a ConfigError. */
  constructor(config: unknown, parts: InstanceParts) {
    this.#parts = parts;
    this.#entity = pluginEntityOf(config);
    this.#config = parsePluginConfig(config, `The configuration of plugin serverless (${this.#entity.key})`);
    try {
      this.#matcher = this.#claim();
    } catch (error) {
      parts.log.error({ error, entity: this.#entity.key }, "instance.refused");
    }
  }

  access(kong: Kong): Promise<void> | void {
    try {
      // What was in the way may be gone: after a reload, the other owner's instance is replaced at its next request.
      this.#matcher ??= this.#claim();
    } catch (error) {
      return this.#refuse(kong, error);
    }
    const { only } = this.#matcher;
    if (only === undefined) return this.#accessAny(kong, this.#matcher);
    if (only.backend.admit()) only.metrics.warm.inc();
    else return this.#accessCold(kong, only);
  }

  async log(kong: Kong): Promise<void> {
    if (this.#matcher === undefined) return;
    const { only } = this.#matcher;
    if (only === undefined) await this.#logAny(kong, this.#matcher);
    else await this.#logOnly(kong, only);
  }

  close(): void {
    this.#release();
  }

  #claim(): Matcher<Destination> {
    const { activator, metrics } = this.#parts;
    const { backends, release } = claimBackends(activator, this.#config.backends, this.#entity);
    this.#release = release;
    return new Matcher(
      backends.map(({ matched, backend }) => {
        const options = { config: this.#config, matched, backend, metrics: metrics.requestsOf(backend.name) };
        const coldPath = new ColdPath(options);
        return { match: matched.match, backend: { backend, coldPath, metrics: options.metrics } };
      }),
    );
  }

  async #refuse(kong: Kong, error: unknown): Promise<void> {
    if (!(error instanceof ServerlessError)) throw error;
    const { code, backend = "" } = error;
    const { status, body, headers } = problem({ code, backend, retryAfterMs: 1000 });
    await kong.response.exit(status, body, headers);
  }

  async #accessCold(kong: Kong, { backend, coldPath }: Destination): Promise<void> {
    if (await coldPath.hold(kong)) await leaveMark(kong, backend);
  }

  async #accessAny(kong: Kong, matcher: Matcher<Destination>): Promise<void> {
    const path = matcher.needsPath ? await kong.request.getPath() : "/";
    const host = matcher.needsHost ? await kong.request.getHost() : "";
    const destination = matcher.find(path, host);
    if (destination === undefined) return;
    const { backend, coldPath, metrics } = destination;
    if (backend.admit()) metrics.warm.inc();
    else if (!(await coldPath.hold(kong))) return;
    await leaveMark(kong, backend);
  }

  async #logOnly(kong: Kong, { backend }: Destination): Promise<void> {
    const source = await kong.response.getSource();
    if (source === "service") return backend.ended();
    if (source === "error") return this.#logError(await kong.response.getStatus(), backend);
    // A plugin's answer; or Kong's own, when its balancer knew no address: a backend that has just started may be new to it.
    if ((await kong.ctx.shared.get(sharedKey)) === backend.name) backend.ended();
  }

  /** An error of another kind ended the request before it was forwarded: a client that left, for instance. */
  #logError(status: number, backend: Backend): void {
    if (upstreamFailures.has(status)) {
      backend.unreachable();
      backend.ended();
    } else if (this.#entity.isBound && bodyFailures.has(status)) {
      // Without a route or service, it may also be a request that was refused for its head, before any `access`.
      backend.ended();
    }
  }

  async #logAny(kong: Kong, matcher: Matcher<Destination>): Promise<void> {
    const name = await kong.ctx.shared.get(sharedKey);
    const destination = matcher.backends.find(({ backend }) => backend.name === name);
    if (destination === undefined) return;
    // Asked before anything is counted: when the connection is lost, Kong runs the whole event again.
    const source = await kong.response.getSource();
    destination.backend.ended();
    if (source === "error") destination.backend.unreachable();
  }
}

/**
 * Tells `log`, which Kong does not pair with `access` and which can no longer ask for the path, that the request passed here.
 * A client that left meanwhile was not forwarded.
 */
async function leaveMark(kong: Kong, backend: Backend): Promise<void> {
  try {
    await kong.ctx.shared.set(sharedKey, backend.name);
  } catch (error) {
    backend.ended();
    throw error;
  }
}

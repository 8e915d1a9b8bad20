import type { Backend, Held } from "@kong-serverless/activator";
import type { MatchedBackend, PluginConfig } from "@kong-serverless/config";
import { type ErrorCodeName, ServerlessError } from "@kong-serverless/runtime";

import { problem, waitingPage } from "./answer.ts";
import { isStopping, type Kong, leaveSignal } from "./kong.ts";
import type { RequestMetrics } from "./metrics.ts";
import { isBelow } from "./path-prefix.ts";
import { probeTarget, serviceUrl, upstreamUrl } from "./probe-target.ts";

const headerName = "x-serverless-held-ms";

export interface ColdPathOptions {
  readonly config: PluginConfig;
  readonly matched: MatchedBackend;
  readonly backend: Backend;
  readonly metrics: RequestMetrics;
}

/** What happens to a request whose backend is not ready: it is held, and then forwarded or answered. */
export class ColdPath {
  readonly #options: ColdPathOptions;
  #serviceUrl: Promise<string> | undefined;

  constructor(options: ColdPathOptions) {
    this.#options = options;
  }

  /** Resolves with whether the request goes on to the backend; otherwise it has been answered. */
  async hold(kong: Kong): Promise<boolean> {
    const { backend, config, matched, metrics } = this.#options;
    const arrivedAtMs = performance.now();
    const signal = leaveSignal(kong);
    if (isStopping(kong)) return this.#refuse(kong, "GATEWAY_STOPPING");
    let isNavigation = false;
    let held: Held;
    try {
      if (await this.#isWakeException(kong)) return await this.#refuse(kong, "BACKEND_ASLEEP");
      isNavigation = config.waitingPageAfterMs > 0 && (await isBrowserNavigation(kong));
      held = await backend.hold({
        target: probeTarget(await this.#findProbeUrl(kong), matched.settings),
        arrivedAtMs,
        timeoutMs: isNavigation ? config.waitingPageAfterMs : matched.settings.holdTimeoutMs,
        maxHeldTotal: config.maxHeldTotal,
        ...(signal !== undefined && { signal }),
      });
    } catch (error) {
      if (signal?.aborted) {
        metrics.left.inc();
        return false;
      }
      if (!(error instanceof ServerlessError)) throw error;
      return this.#refuse(kong, error.code, isNavigation);
    }
    metrics.held(held);
    // After one probe the backend turned out to run: for the client that was no cold start.
    if (held.probes > 1) await this.#mark(kong, held);
    return true;
  }

  async #refuse(kong: Kong, code: ErrorCodeName, isNavigation = false): Promise<false> {
    const { backend, metrics } = this.#options;
    // Another replica of the gateway can answer at once.
    const retryAfterMs = code === "GATEWAY_STOPPING" ? 0 : backend.retryAfterMs;
    const refusal = { code, backend: backend.name, retryAfterMs };
    const { status, body, headers } =
      isNavigation && code === "HOLD_TIMEOUT" ? waitingPage(refusal) : problem(refusal);
    metrics.refused(code);
    await kong.response.exit(status, body, headers);
    return false;
  }

  async #mark(kong: Kong, { waitedMs }: Held): Promise<void> {
    const ms = Math.round(waitedMs);
    try {
      // At once: when thousands are released, each turn that Kong and the plugin take for one of them delays all the others.
      await Promise.all([
        kong.response.addHeader("server-timing", `hold;dur=${ms};desc="cold start"`),
        kong.response.setHeader(headerName, String(ms)),
        kong.service.request.setHeader(headerName, String(ms)),
      ]);
    } catch (error) {
      // The client left after its release, so nothing was forwarded.
      this.#options.backend.ended();
      throw error;
    }
  }

  async #isWakeException(kong: Kong): Promise<boolean> {
    const { userAgents, paths } = this.#options.config.wakeExceptions;
    if (paths.length > 0) {
      const path = await kong.request.getPath();
      if (paths.some((prefix) => isBelow(path, prefix))) return true;
    }
    if (userAgents.length === 0) return false;
    const userAgent = (await kong.request.getHeader("user-agent"))?.toLowerCase();
    return userAgents.some((part) => userAgent?.includes(part.toLowerCase()));
  }

  async #findProbeUrl(kong: Kong): Promise<string> {
    const { upstream, health = "/" } = this.#options.matched.settings;
    if (upstream !== undefined) return upstreamUrl(upstream, health);
    // Route and service belong to the plugin instance, not to the request: they are asked for once.
    const asked = (this.#serviceUrl ??= this.#askForServiceUrl(kong));
    try {
      return await asked;
    } catch (error) {
      this.#serviceUrl = undefined;
      if (error instanceof ServerlessError && error.code === "PROBE_TARGET_UNKNOWN") throw error;
      // The client of the request that asked has left, which says nothing about this one.
      return this.#askForServiceUrl(kong);
    }
  }

  async #askForServiceUrl(kong: Kong): Promise<string> {
    const { match, settings } = this.#options.matched;
    const service = await kong.router.getService();
    const route = await kong.router.getRoute();
    return serviceUrl({ service, route }, { ...match, health: settings.health ?? "/" });
  }
}

async function isBrowserNavigation(kong: Kong): Promise<boolean> {
  if ((await kong.request.getMethod()) !== "GET") return false;
  return (await kong.request.getHeader("accept"))?.includes("text/html") === true;
}

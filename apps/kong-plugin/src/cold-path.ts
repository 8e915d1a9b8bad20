import type { Backend, HoldRequest, HoldResult } from "@kong-serverless/activator";
import type { MatchedBackend, PluginConfig } from "@kong-serverless/config";
import { type ErrorCodeName, ServerlessError } from "@kong-serverless/runtime";

import { problem } from "./answer.ts";
import type { Decision, Passed } from "./decision.ts";
import type { RequestMetrics } from "./metrics.ts";
import { isBelow } from "./path-prefix.ts";
import { serviceUrl } from "./probe-target.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { Traces } from "./traces.ts";
import type { WaitingPage } from "./waiting-page.ts";

const headerName = "x-serverless-held-ms";

export interface ColdPathOptions {
  readonly config: PluginConfig;
  readonly matched: MatchedBackend;
  readonly backend: Backend;
  readonly metrics: RequestMetrics;
  readonly traces: Traces;
  readonly waitingPage: WaitingPage;
}

/** What happens to a request whose backend is not ready: it is held, and then forwarded or answered. */
export class ColdPath {
  readonly #options: ColdPathOptions;

  constructor(options: ColdPathOptions) {
    this.#options = options;
  }

  async decide(facts: RequestFacts): Promise<Decision> {
    const { backend, config, matched, metrics, traces } = this.#options;
    const { arrivedAtMs, signal } = facts;
    if (facts.isStopping) return this.#refuse("GATEWAY_STOPPING");
    /** Set for a browser navigation, which may get the waiting page. */
    let navigation: { readonly path: string } | undefined;
    let held: HoldResult;
    let url: string | undefined;
    try {
      if (await this.#isWakeException(facts)) return this.#refuse("BACKEND_ASLEEP");
      if (config.waitingPageAfterMs > 0 && (await isBrowserNavigation(facts)))
        navigation = { path: await facts.path() };
      url = await this.#serviceUrl(facts);
      const request: HoldRequest = {
        ...(url !== undefined && { url }),
        arrivedAtMs,
        timeoutMs: navigation ? config.waitingPageAfterMs : matched.settings.holdTimeoutMs,
        limits: config.limits,
        ...(await this.#client(facts)),
        ...(signal !== undefined && { signal }),
      };
      const traceparent = traces.isOn ? await facts.header("traceparent") : undefined;
      const traced = { backend: backend.name, arrivedAtMs, traceparent };
      held = await traces.hold(traced, () => backend.hold(request));
    } catch (error) {
      if (signal?.aborted) {
        metrics.left.inc();
        return { kind: "left" };
      }
      if (!(error instanceof ServerlessError)) throw error;
      return this.#refuse(error.code, { navigation, about: error.backend });
    }
    metrics.held(held);
    // If the first probe was ready, the backend had been running: for the client that was no cold start.
    const decision: Passed = held.probes > 1 ? marked(held) : { kind: "pass" };
    if (held.pod === undefined || url === undefined) return decision;
    const { route } = await facts.routerMatch();
    const isPreserved = route?.preserve_host === true;
    const target = { ...held.pod, ...(!isPreserved && { hostHeader: new URL(url).host }) };
    return { ...decision, target };
  }

  /** Asked for only if a limit needs it: it is a call to Kong. */
  async #client(facts: RequestFacts): Promise<{ client?: string }> {
    const { maxHeldPerClient, maxColdStartsPerClient } = this.#options.config.limits;
    return maxHeldPerClient + maxColdStartsPerClient === 0 ? {} : { client: await facts.client() };
  }

  /** @param about The backend at fault, if it is another one of the chain. */
  #refuse(
    code: ErrorCodeName,
    {
      navigation,
      about,
    }: { navigation?: { readonly path: string } | undefined; about?: string | undefined } = {},
  ): Decision {
    const { backend, metrics, waitingPage } = this.#options;
    // Another replica of the gateway can answer at once.
    const retryAfterMs = code === "GATEWAY_STOPPING" ? 0 : backend.retryAfterMs;
    metrics.refused(code);
    const isTimeout = code === "HOLD_TIMEOUT" || code === "CHAIN_NOT_READY";
    return {
      kind: "exit",
      answer:
        navigation && isTimeout
          ? waitingPage.answer({ ...navigation, backend: backend.name, retryAfterMs })
          : problem({ code, backend: about ?? backend.name, retryAfterMs }),
    };
  }

  async #isWakeException(facts: RequestFacts): Promise<boolean> {
    const { userAgents, paths } = this.#options.config.wakeExceptions;
    if (paths.length > 0) {
      const path = await facts.path();
      if (paths.some((prefix) => isBelow(path, prefix))) return true;
    }
    if (userAgents.length === 0) return false;
    const userAgent = (await facts.header("user-agent"))?.toLowerCase();
    return userAgents.some((part) => userAgent?.includes(part.toLowerCase()));
  }

  /** Where a backend without `upstream` is probed. */
  async #serviceUrl(facts: RequestFacts): Promise<string | undefined> {
    const { match, settings } = this.#options.matched;
    if (settings.upstream !== undefined) return undefined;
    return serviceUrl(await facts.routerMatch(), { ...match, health: settings.health ?? "/" });
  }
}

function marked({ waitedMs }: HoldResult): Passed {
  const ms = String(Math.round(waitedMs));
  return {
    kind: "pass",
    addResponseHeaders: { "server-timing": `hold;dur=${ms};desc="cold start"` },
    setResponseHeaders: { [headerName]: ms },
    setRequestHeaders: { [headerName]: ms },
  };
}

async function isBrowserNavigation(facts: RequestFacts): Promise<boolean> {
  const method = await facts.method();
  if (method !== "GET" && method !== "HEAD") return false;
  return (await facts.header("accept"))?.includes("text/html") === true;
}

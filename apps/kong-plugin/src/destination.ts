import type { Backend } from "@kong-serverless/activator";
import type { MatchedBackend } from "@kong-serverless/config";

import { ColdPath, type ColdPathOptions } from "./cold-path.ts";
import type { Decision } from "./decision.ts";
import { leaseKey } from "./lua/lease-key.ts";
import type { RequestMetrics } from "./metrics.ts";
import type { RequestFacts } from "./request-facts.ts";

const passed: Decision = { kind: "pass" };

/** A backend as one plugin entity configures it. Decides on each request for it. */
export class Destination {
  readonly backend: Backend;
  readonly metrics: RequestMetrics;
  readonly #matched: MatchedBackend;
  readonly #coldPath: ColdPath;

  constructor(options: ColdPathOptions) {
    this.backend = options.backend;
    this.metrics = options.metrics;
    this.#matched = options.matched;
    this.#coldPath = new ColdPath(options);
  }

  /** Whether the backend still has the settings of this entity; a later configuration may have replaced them. */
  get isCurrent(): boolean {
    return leaseKey(this.backend.settings) === leaseKey(this.#matched.settings);
  }

  /** Never rejects with an error that has a code: that becomes an answer. */
  decide(facts: RequestFacts): Promise<Decision> | Decision {
    if (!this.backend.admit()) return this.#coldPath.decide(facts);
    this.metrics.warm.inc();
    return passed;
  }
}

import { title } from "@kong-serverless/manifests";

import { fault, type Rule } from "../../doctor/rule.ts";
import type { LiveSystem } from "../live-system.ts";

export const gatewayFileLimit: Rule<LiveSystem> = {
  code: "GATEWAY_FILE_LIMIT",
  topic: "live",
  severity: "warning",
  why: "nginx could not raise its limit of open files above the container's hard limit; it logs this once and goes on with less. A held request takes two files in its worker, a proxied one up to four: beyond the limit, clients are refused.",
  fix: "Raise the hard limit of the node's container runtime (LimitNOFILE of containerd's service), or lower nginx_main_worker_rlimit_nofile and the plugin's maxHeldTotal to what it allows.",
  *check({ fileLimits }) {
    for (const { pod, wanted, allowed } of fileLimits) {
      const less = allowed === undefined ? "fewer" : String(allowed);
      yield fault(
        pod.root.at("spec", "containers"),
        `${title(pod)}: each nginx worker is configured for ${wanted} open files but may have ${less}`,
      );
    }
  },
};

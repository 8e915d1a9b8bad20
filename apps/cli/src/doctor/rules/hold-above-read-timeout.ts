import { holdPlace } from "../hold-place.ts";
import { fault, type Rule } from "../rule.ts";

/** The plugin server's, which is not configurable. */
const heartbeatSeconds = 15;

export const holdAboveReadTimeout: Rule = {
  code: "HOLD_ABOVE_READ_TIMEOUT",
  topic: "numbers",
  severity: "error",
  why: "Kong answers 500 when its plugin server is silent for longer than the read timeout, which must leave room for two heartbeats.",
  fix: "Raise nginx_proxy_lua_socket_read_timeout above twice the heartbeat (15 s), or keep holdTimeoutMs below it.",
  *check({ gateway: { readTimeoutSeconds }, backends }) {
    if (heartbeatSeconds < readTimeoutSeconds / 2) return;
    for (const backend of backends) {
      const { holdTimeoutMs, name, health } = backend.settings;
      if (health === undefined || holdTimeoutMs <= readTimeoutSeconds * 1000) continue;
      const what = `Backend ${name} holds for ${holdTimeoutMs} ms; Kong waits ${readTimeoutSeconds} s for its plugin server, with a heartbeat every ${heartbeatSeconds} s`;
      yield fault(holdPlace(backend), what);
    }
  },
};

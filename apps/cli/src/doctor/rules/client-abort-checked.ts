import { fault, type Rule } from "../rule.ts";

export const clientAbortChecked: Rule = {
  code: "CLIENT_ABORT_CHECKED",
  topic: "numbers",
  severity: "warning",
  why: "Kong's workers can crash when clients leave while requests wait for an external plugin, and everything in a worker goes with it.",
  fix: "Leave nginx_proxy_lua_check_client_abort off. A client that leaves is then noticed when its hold ends, which holdTimeoutMs bounds.",
  *check({ gateway: { clientAbort } }) {
    if (clientAbort.value !== true && clientAbort.text !== "on") return;
    yield fault(clientAbort, "Kong looks for clients that leave (lua_check_client_abort is on)");
  },
};

import { fault, type Rule } from "../rule.ts";

export const clientAbortChecked: Rule = {
  code: "CLIENT_ABORT_CHECKED",
  topic: "numbers",
  severity: "warning",
  why: "A Kong worker can crash when a client disconnects while its request waits for an external plugin, and every request in that worker is lost.",
  fix: "Leave nginx_proxy_lua_check_client_abort off. A disconnect is then noticed when the hold ends, after holdTimeoutMs at the latest.",
  *check({ gateway: { clientAbort } }) {
    if (clientAbort.value !== true && clientAbort.text !== "on") return;
    yield fault(clientAbort, "Kong checks for clients that disconnect (lua_check_client_abort is on)");
  },
};

import { isPdkMethod, pdk, type PdkMethod, wireName } from "@kong-serverless/kong-protocol";

import type { PdkContext } from "./context.ts";
import { hostPdk } from "./host-pdk.ts";

export type HostPhase = "access" | "log";

interface Answerer {
  readonly method: PdkMethod;
  readonly run: (context: PdkContext, ...args: unknown[]) => unknown;
}

/** Kong answers these only once there is a response. */
const needsResponse = /^kong\.response\.get_/;

/**
 * What Kong answers in `log`. It runs that phase in a timer, without nginx's request: only what Kong has saved is available;
 * any other call (`kong.request.get_path`, `kong.nginx.get_var`, ...) ends the event unanswered.
 */
const worksInLog =
  /^kong\.(response\.get_|request\.get_headers?$|ctx\.|log\.|node\.|router\.|nginx\.(get_subsystem|req_start_time)$)/;

const answerers = new Map(collect("kong", pdk, hostPdk));

/**
 * Returns the encoded result of a PDK call. Throws where Kong does, which ends the event with an error, and throws
 * `PluginExit` for `kong.response.exit`.
 */
export function answerPdkCall(
  name: string,
  argument: Uint8Array,
  phase: HostPhase,
  context: PdkContext,
): Uint8Array {
  const answerer = answerers.get(name);
  if (!answerer) throw new Error(`method "${name}" not found`);
  const isAllowed = phase === "log" ? worksInLog.test(name) : !needsResponse.test(name);
  if (!isAllowed) throw new Error(`${name} cannot be called in ${phase}`);
  const { method, run } = answerer;
  return method.result.encode(run(context, ...method.arguments.decode(argument)));
}

function collect(namespace: string, methods: object, implementations: object): [string, Answerer][] {
  return Object.entries(methods).flatMap(([key, entry]: [string, object]) => {
    const name = wireName(namespace, key);
    const implementation: unknown = (implementations as Record<string, unknown>)[key];
    return isPdkMethod(entry)
      ? [[name, { method: entry, run: implementation as Answerer["run"] }]]
      : collect(name, entry, implementation as object);
  });
}

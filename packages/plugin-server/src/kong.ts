import { isPdkMethod, type Pdk, pdk, type PdkMethod, wireName } from "@kong-serverless/kong-protocol";

import { type NamedMethod, namedMethod } from "./named-method.ts";

type Facade<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends PdkMethod<infer Arguments, infer Result>
    ? (...args: Arguments) => Promise<Result>
    : Facade<Table[Name]>;
};

/**
 * What a plugin's phase handler is given: Kong's PDK, every method returning a promise, and two things from the server.
 *
 * `response.exit` ends the event: its promise resolves once the answer is on its way, and every PDK call after it is
 * rejected. A call whose connection to Kong has gone is rejected too.
 *
 * @example
 * if (kong.isStopping) await kong.response.exit(503, "stopping", { "retry-after": "1" });
 */
export interface Kong extends Facade<Pdk> {
  /** Aborts when Kong closes the connection while the event runs: with `lua_check_client_abort=on`, when the client left. */
  readonly signal: AbortSignal;
  /** Whether the server is being stopped: a plugin should hold nothing new then. */
  readonly isStopping: boolean;
}

export interface KongCalls {
  readonly signal: AbortSignal;
  readonly isStopping: boolean;
  call(method: NamedMethod, args: unknown[]): Promise<unknown>;
}

class Namespace {
  readonly calls: KongCalls;

  constructor(calls: KongCalls) {
    this.calls = calls;
  }
}

/** Makes facades. Their classes are made once, from the table, so that a facade costs one small object per event. */
const KongFacade = compileNamespace("kong", pdk);

Object.defineProperties(KongFacade.prototype, {
  signal: {
    get(this: Namespace) {
      return this.calls.signal;
    },
  },
  isStopping: {
    get(this: Namespace) {
      return this.calls.isStopping;
    },
  },
});

export function createKong(calls: KongCalls): Kong {
  return new KongFacade(calls) as unknown as Kong;
}

function compileNamespace(namespace: string, table: object): typeof Namespace {
  const Compiled = class extends Namespace {};
  for (const [key, entry] of Object.entries(table) as [string, object][]) {
    const name = wireName(namespace, key);
    Object.defineProperty(
      Compiled.prototype,
      key,
      isPdkMethod(entry)
        ? methodProperty(namedMethod(name, entry))
        : namespaceProperty(compileNamespace(name, entry)),
    );
  }
  return Compiled;
}

function methodProperty(method: NamedMethod): PropertyDescriptor {
  return {
    value(this: Namespace, ...args: unknown[]) {
      return this.calls.call(method, args);
    },
  };
}

function namespaceProperty(Compiled: typeof Namespace): PropertyDescriptor {
  return {
    get(this: Namespace) {
      return new Compiled(this.calls);
    },
  };
}

import { type Codec, none, nothing, optional } from "./codec.ts";
import {
  bodyArgument,
  consumer,
  exitArguments,
  headerArguments,
  headers,
  headersArgument,
  int,
  json,
  keyValueArguments,
  logArguments,
  maximumArgument,
  nameArgument,
  number,
  rawBody,
  route,
  service,
  statusArgument,
  targetArguments,
  text,
  valueArgument,
} from "./pdk-values.ts";

/** How a method's arguments and result are encoded. */
export interface PdkMethod<Arguments extends unknown[] = unknown[], Result = unknown> {
  readonly arguments: Codec<Arguments>;
  readonly result: Codec<Result>;
}

function method<Arguments extends unknown[], Result>(
  argumentCodec: Codec<Arguments>,
  result: Codec<Result>,
): PdkMethod<Arguments, Result> {
  return { arguments: argumentCodec, result };
}

const getText = method(none, text);
const getInt = method(none, int);
const getNumber = method(none, number);
const findText = method(nameArgument, optional(text));
const getTable = method(maximumArgument, headers);
const setText = method(valueArgument, nothing);
const setHeader = method(headerArguments, nothing);
const clearHeader = method(nameArgument, nothing);
const setHeaders = method(headersArgument, nothing);
const writeLog = method(logArguments, nothing);

/**
 * The part of Kong's PDK that is supported here, in the shape that plugins see. A method's name on the wire follows from its
 * place: `request.getPath` is `kong.request.get_path`. https://developer.konghq.com/gateway/pdk/reference/
 */
export const pdk = {
  client: {
    getConsumer: method(none, optional(consumer)),
    getIp: getText,
    getForwardedIp: getText,
    getPort: getInt,
    getForwardedPort: getInt,
  },
  ctx: {
    shared: {
      get: method(nameArgument, json),
      set: method(keyValueArguments, nothing),
    },
  },
  log: {
    alert: writeLog,
    crit: writeLog,
    err: writeLog,
    warn: writeLog,
    notice: writeLog,
    info: writeLog,
    debug: writeLog,
  },
  nginx: {
    getVar: findText,
    getSubsystem: getText,
    reqStartTime: getNumber,
  },
  node: {
    getId: getText,
  },
  request: {
    getScheme: getText,
    getHost: getText,
    getPort: getInt,
    getForwardedScheme: getText,
    getForwardedHost: getText,
    getForwardedPort: getInt,
    getHttpVersion: getNumber,
    getMethod: getText,
    getPath: getText,
    getPathWithQuery: getText,
    getRawQuery: getText,
    getQueryArg: findText,
    getQuery: getTable,
    getHeader: findText,
    getHeaders: getTable,
    getRawBody: method(none, rawBody),
  },
  response: {
    getStatus: getInt,
    getHeader: findText,
    getHeaders: getTable,
    /** `service`, `error` or `exit`: who gave the answer. */
    getSource: getText,
    setStatus: method(statusArgument, nothing),
    setHeader,
    addHeader: setHeader,
    clearHeader,
    setHeaders,
    exit: method(exitArguments, nothing),
  },
  router: {
    getRoute: method(none, optional(route)),
    getService: method(none, optional(service)),
  },
  service: {
    setUpstream: setText,
    setTarget: method(targetArguments, nothing),
    request: {
      setScheme: setText,
      setPath: setText,
      setRawQuery: setText,
      setMethod: setText,
      setQuery: setHeaders,
      setHeader,
      addHeader: setHeader,
      clearHeader,
      setHeaders,
      setRawBody: method(bodyArgument, nothing),
    },
  },
};

export type Pdk = typeof pdk;

export function isPdkMethod(entry: object): entry is PdkMethod {
  return "arguments" in entry && "result" in entry;
}

/** The name on the wire of the method or namespace `name` in `namespace`: `getPath` in `kong.request` is `kong.request.get_path`. */
export function wireName(namespace: string, name: string): string {
  return `${namespace}.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

import type { HostPdk } from "./context.ts";
import { toList } from "./headers.ts";

/** `kong.service`: where the request goes, and with what changes. */
export const service: HostPdk["service"] = {
  setUpstream({ exchange }, name) {
    exchange.upstream.upstream = name;
  },
  setTarget({ exchange }, host, port) {
    exchange.upstream.target = { host, port };
  },
  request: {
    setScheme({ exchange }, scheme) {
      exchange.upstream.scheme = scheme;
    },
    setPath({ exchange }, path) {
      exchange.upstream.path = path;
    },
    setRawQuery({ exchange }, rawQuery) {
      exchange.upstream.rawQuery = rawQuery;
    },
    setMethod({ exchange }, method) {
      exchange.upstream.method = method;
    },
    setQuery({ exchange }, query) {
      const parameters = new URLSearchParams();
      for (const name of Object.keys(query).sort()) {
        for (const value of toList(query[name] ?? [])) parameters.append(name, value);
      }
      exchange.upstream.rawQuery = parameters.toString();
    },
    setHeader: ({ exchange }, name, value) => exchange.upstream.headers.set(name, toList(value)),
    addHeader({ exchange }, name, value) {
      for (const each of toList(value)) exchange.upstream.headers.add(name, each);
    },
    clearHeader: ({ exchange }, name) => exchange.upstream.headers.clear(name),
    setHeaders({ exchange }, headers) {
      for (const [name, value] of Object.entries(headers)) exchange.upstream.headers.set(name, toList(value));
    },
    setRawBody({ exchange }, body) {
      exchange.upstream.body = body;
    },
  },
};

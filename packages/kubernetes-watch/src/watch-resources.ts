import type { IncomingMessage } from "node:http";

import { pause, sleep } from "@kong-serverless/runtime";

import type { ApiServer } from "./in-cluster-api-server.ts";

export interface WatchOptions<Resource> {
  readonly server: ApiServer;
  /** The collection, such as `/api/v1/namespaces/x/pods`. */
  readonly path: string;
  /** Narrows it down: `labelSelector`, `fieldSelector`. */
  readonly query?: Readonly<Record<string, string>>;
  /** The whole collection: at the start, and again after each loss. */
  readonly onSynced: (resources: readonly Resource[]) => void;
  readonly onChanged: (resource: Resource) => void;
  readonly onRemoved: (resource: Resource) => void;
  /** Until the next `onSynced` the collection is unknown. */
  readonly onLost: (error: Error) => void;
}

interface ListPage<Resource> {
  readonly items?: readonly Resource[];
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

interface WatchEvent {
  readonly type: string;
  readonly object: { readonly metadata?: { readonly resourceVersion?: string }; readonly message?: string };
}

const pageSize = 500;
/** The API server ends a watch after this, so one with a dead peer is noticed soon after. */
const watchSeconds = 60;
const graceMs = 15_000;
/** Keeps a server that ends watches at once from being asked in a tight loop. */
const shortestWatchMs = 1000;
const maxLineBytes = 8 * 1024 * 1024;
const firstPauseMs = 100;
const longestPauseMs = 30_000;

/**
 * Follows a collection of Kubernetes resources until `signal` aborts: lists it, then watches it, and begins again whenever the
 * watch is lost. Never rejects.
 */
export async function watchResources<Resource>(
  options: WatchOptions<Resource>,
  signal: AbortSignal,
): Promise<void> {
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    try {
      let version = await list(options, signal);
      for (;;) {
        const startedAtMs = performance.now();
        version = await watch(options, version, signal);
        // The watch ended in an orderly way, so the next loss starts with the shortest pause.
        pauseMs = firstPauseMs;
        await sleep(Math.max(0, shortestWatchMs - (performance.now() - startedAtMs)), signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      options.onLost(error as Error);
    }
    // When an API server comes back, not all gateway pods should ask it at once.
    await pause(pauseMs * (0.5 + Math.random()), signal);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

/** Lists the collection page by page, and resolves with the version to watch from. */
async function list<Resource>(
  { server, path, query, onSynced }: WatchOptions<Resource>,
  signal: AbortSignal,
): Promise<string> {
  const items: Resource[] = [];
  let token = "";
  for (;;) {
    const page = { ...query, limit: String(pageSize), ...(token !== "" && { continue: token }) };
    const response = await open(server, path, page, signal);
    let text = "";
    for await (const line of lines(response)) text += line;
    const { items: found = [], metadata } = JSON.parse(text) as ListPage<Resource>;
    items.push(...found);
    token = metadata?.continue ?? "";
    if (token === "") {
      onSynced(items);
      return metadata?.resourceVersion ?? "";
    }
  }
}

/** Passes on each change until the API server ends the watch, and resolves with the version to continue from. */
async function watch<Resource>(
  { server, path, query, onChanged, onRemoved }: WatchOptions<Resource>,
  from: string,
  signal: AbortSignal,
): Promise<string> {
  let version = from;
  const response = await open(
    server,
    path,
    {
      ...query,
      watch: "1",
      allowWatchBookmarks: "true",
      resourceVersion: version,
      timeoutSeconds: String(watchSeconds),
    },
    signal,
  );
  for await (const line of lines(response)) {
    const { type, object } = JSON.parse(line) as WatchEvent;
    // Usually because the version is too old to continue from.
    if (type === "ERROR") throw new Error(object.message ?? "the watch failed");
    version = object.metadata?.resourceVersion ?? version;
    if (type === "ADDED" || type === "MODIFIED") onChanged(object as Resource);
    else if (type === "DELETED") onRemoved(object as Resource);
  }
  return version;
}

async function open(
  server: ApiServer,
  path: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const response = await server.open(`${path}?${new URLSearchParams(query).toString()}`, signal);
  if (response.statusCode === 200) return response;
  response.destroy();
  throw new Error(`GET ${path}: status ${response.statusCode}`);
}

/** A body's lines as they arrive. Fails when it breaks off or is silent for longer than a watch lasts. */
async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  const silence = () => response.destroy(new Error(`silent for ${watchSeconds + graceMs / 1000} s`));
  const timer = setTimeout(silence, watchSeconds * 1000 + graceMs);
  try {
    response.setEncoding("utf8");
    let rest = "";
    for await (const chunk of response as AsyncIterable<string>) {
      timer.refresh();
      const parts = (rest + chunk).split("\n");
      rest = parts.pop() ?? "";
      if (rest.length > maxLineBytes) throw new Error(`a line of more than ${maxLineBytes} bytes`);
      yield* parts.filter((part) => part !== "");
    }
    if (rest !== "") yield rest;
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
}

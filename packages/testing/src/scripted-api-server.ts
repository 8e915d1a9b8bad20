import type { IncomingMessage, ServerResponse } from "node:http";

import { ScriptedServer } from "./scripted-server.ts";

export interface ScriptedResource {
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

interface Change {
  readonly version: number;
  readonly path: string;
  readonly event: { readonly type: string; readonly object: object };
}

/** A Kubernetes API server that lists collections, in pages of two, and lets them be watched, for clients that have the token. */
export class ScriptedApiServer extends ScriptedServer {
  /** Every request's path with its query, in order. */
  readonly asked: string[] = [];
  token = "let-me-in";
  /** What a further request is answered instead. */
  refuses: number | undefined;
  readonly #collections = new Map<string, Map<string, ScriptedResource>>();
  readonly #changes: Change[] = [];
  readonly #watches = new Map<ServerResponse, string>();
  /** A watch from an earlier version is told that it is gone. */
  #oldest = 0;
  #version = 1;

  /** Makes or changes a resource of a collection such as `/api/v1/namespaces/x/pods`. */
  put(path: string, resource: ScriptedResource): void {
    const collection = this.#collection(path);
    const type = collection.has(resource.metadata.name) ? "MODIFIED" : "ADDED";
    this.#version += 1;
    const metadata = { ...resource.metadata, resourceVersion: String(this.#version) };
    const object = { ...resource, metadata };
    collection.set(resource.metadata.name, object);
    this.#tell(path, { type, object });
  }

  remove(path: string, name: string): void {
    const object = this.#collection(path).get(name);
    if (object === undefined) throw new Error(`no ${name} in ${path}`);
    this.#collection(path).delete(name);
    this.#version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#version) };
    this.#tell(path, { type: "DELETED", object: { ...object, metadata } });
  }

  get watches(): number {
    return this.#watches.size;
  }

  /** Ends all watches in an orderly way, as an API server does after a while. */
  endWatches(): void {
    for (const response of this.#watches.keys()) response.end();
    this.#watches.clear();
  }

  /** Breaks the connections of all watches. */
  breakWatches(): void {
    for (const response of this.#watches.keys()) response.destroy();
    this.#watches.clear();
  }

  /** Forgets the changes so far, as etcd's compaction does. */
  compact(): void {
    this.#version += 1;
    this.#oldest = this.#version;
    this.#changes.length = 0;
  }

  protected override async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    this.asked.push(url.pathname + url.search);
    if (this.refuses !== undefined) return this.answer(response, this.refuses);
    if (request.headers.authorization !== `Bearer ${this.token}`) return this.answer(response, 401);
    if (url.searchParams.get("watch") === "1") this.#watch(response, url);
    else if (this.#collections.has(url.pathname) || !this.#getOne(response, url)) this.#list(response, url);
  }

  #collection(path: string): Map<string, ScriptedResource> {
    const collection = this.#collections.get(path) ?? new Map<string, ScriptedResource>();
    this.#collections.set(path, collection);
    return collection;
  }

  #tell(path: string, event: Change["event"]): void {
    this.#changes.push({ version: this.#version, path, event });
    for (const [response, watched] of this.#watches) {
      if (watched === path) response.write(`${JSON.stringify(event)}\n`);
    }
  }

  /** Whether the path is that of a single resource, in a collection that there is. */
  #getOne(response: ServerResponse, { pathname }: URL): boolean {
    const [, path = "", name = ""] = /^(.*)\/([^/]+)$/.exec(pathname) ?? [];
    const collection = this.#collections.get(path);
    const resource = collection?.get(name);
    if (resource) this.answer(response, { status: 200, body: JSON.stringify(resource) });
    else if (collection) this.answer(response, { status: 404, body: "{}" });
    return collection !== undefined;
  }

  #list(response: ServerResponse, { pathname, searchParams }: URL): void {
    const all = [...this.#collection(pathname).values()];
    const start = Number(searchParams.get("continue") ?? 0);
    const end = start + 2;
    const metadata = {
      resourceVersion: String(this.#version),
      ...(end < all.length && { continue: String(end) }),
    };
    const body = JSON.stringify({ kind: "List", metadata, items: all.slice(start, end) });
    this.answer(response, { status: 200, body });
  }

  #watch(response: ServerResponse, { pathname, searchParams }: URL): void {
    const from = Number(searchParams.get("resourceVersion"));
    response.writeHead(200, { "content-type": "application/json" });
    if (from < this.#oldest) {
      const object = { kind: "Status", code: 410, message: "too old resource version" };
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      return;
    }
    response.flushHeaders();
    for (const { version, path, event } of this.#changes) {
      if (path === pathname && version > from) response.write(`${JSON.stringify(event)}\n`);
    }
    this.#watches.set(response, pathname);
    response.on("close", () => this.#watches.delete(response));
  }
}

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ScriptedServer } from "@kong-serverless/testing";

import { apiPath, systemKinds } from "../live/platform-kinds.ts";

export type ClusterObject = Readonly<Record<string, unknown>> & {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object };
};

const token = "let-me-in";

/**
 * The parts of a Kubernetes API server that are read: discovery and lists, in pages of two, for callers with the token.
 */
export class ApiServerStandIn extends ScriptedServer {
  /** What is in the cluster. */
  objects: ClusterObject[] = [];
  /** Groups that no operator has installed. */
  readonly missingGroups = new Set<string>();
  /** Versions that are served instead of the one in the manifests. */
  readonly otherVersions = new Map<string, string>();
  /** Kinds that the token's owner may not list. */
  readonly forbidden = new Set<string>();
  readonly asked: string[] = [];
  /** Pods' logs by pod name. */
  readonly logs = new Map<string, string>();
  #folder = "";

  override async start(): Promise<this> {
    await super.start();
    this.#folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
    const config = {
      apiVersion: "v1",
      kind: "Config",
      // The client sends a token over plain HTTP only when told to.
      clusters: [{ name: "c", cluster: { server: this.url, "insecure-skip-tls-verify": true } }],
      users: [{ name: "u", user: { token } }],
      contexts: [{ name: "stand-in", context: { cluster: "c", user: "u" } }],
    };
    await writeFile(this.kubeconfig, JSON.stringify(config));
    return this;
  }

  override async stop(): Promise<void> {
    await super.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A kubeconfig whose context `stand-in` points here. */
  get kubeconfig(): string {
    return join(this.#folder, "config.json");
  }

  protected override async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    this.asked.push(url.pathname);
    if (request.headers.authorization !== `Bearer ${token}`) {
      this.#reply(response, 401, { message: "Unauthorized" });
    } else if (url.pathname.endsWith("/log")) {
      const pod = url.pathname.split("/").at(-2) ?? "";
      this.answer(response, { status: 200, body: this.logs.get(pod) ?? "" });
    } else if (url.pathname === "/apis") {
      this.#reply(response, 200, { groups: this.#groups() });
    } else {
      this.#replyToPath(response, url);
    }
  }

  #replyToPath(response: ServerResponse, { pathname, searchParams }: URL): void {
    for (const { groupVersion, kind, plural } of systemKinds) {
      const base = apiPath(groupVersion);
      const isServed = this.#groups().some(({ versions }) =>
        versions.some((v) => v.groupVersion === groupVersion),
      );
      if (!pathname.startsWith(`${base}/`) && pathname !== base) continue;
      if (groupVersion !== "v1" && !isServed) break;
      if (pathname === base) {
        const resources = systemKinds.filter((other) => other.groupVersion === groupVersion);
        this.#reply(response, 200, { resources });
        return;
      }
      const [, namespace, asked] = /(?:\/namespaces\/([^/]+))?\/([^/]+)$/.exec(pathname) ?? [];
      if (asked !== plural) continue;
      if (this.forbidden.has(kind)) this.#reply(response, 403, { message: `${plural} is forbidden` });
      else this.#replyWithPage(response, { kind, namespace, searchParams });
      return;
    }
    this.#reply(response, 404, { message: "not found" });
  }

  #replyWithPage(
    response: ServerResponse,
    {
      kind,
      namespace,
      searchParams,
    }: { kind: string; namespace: string | undefined; searchParams: URLSearchParams },
  ): void {
    const found = this.objects.filter(
      (object) =>
        object.kind === kind && (namespace === undefined || object.metadata.namespace === namespace),
    );
    const start = Number(searchParams.get("continue") ?? 0);
    const end = start + 2;
    // A list's items have no kind of their own.
    const items = found.slice(start, end).map((object) => Object.assign({}, object, { kind: undefined }));
    this.#reply(response, 200, { items, metadata: end < found.length ? { continue: String(end) } : {} });
  }

  #groups() {
    const groups = Map.groupBy(systemKinds, ({ groupVersion }) => groupVersion.split("/")[0] ?? "");
    return [...groups]
      .filter(([name]) => name !== "v1" && !this.missingGroups.has(name))
      .map(([name, served]) => {
        const other = this.otherVersions.get(name);
        const versions = new Set(
          other === undefined ? served.map(({ groupVersion }) => groupVersion) : [other],
        );
        return { name, versions: [...versions].map((groupVersion) => ({ groupVersion })) };
      });
  }

  #reply(response: ServerResponse, status: number, body: unknown): void {
    this.answer(response, { status, body: JSON.stringify(body) });
  }
}

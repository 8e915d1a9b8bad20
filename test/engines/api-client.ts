import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

export interface ApiClientOptions {
  readonly port: number;
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** The parts of a Kubernetes object that tests look at. */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly [field: string]: unknown;
  };
  // oxlint-disable-next-line typescript/no-explicit-any -- what a test asks for in a status is the test's business
  readonly [field: string]: any;
}

/** An error answer of the API server, with its message. */
class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const timeoutMs = 20_000;

/** A client of the API server with an administrator's rights. */
export class ApiClient {
  readonly #options: ApiClientOptions;
  readonly #agent: Agent;
  /** Paths of resources by `apiVersion/kind`, from discovery. */
  readonly #resources = new Map<string, { readonly name: string; readonly isNamespaced: boolean }>();

  constructor(options: ApiClientOptions) {
    const { authority, certificate, key } = options;
    this.#options = options;
    this.#agent = new Agent({
      keepAlive: true,
      ca: readFileSync(authority),
      cert: readFileSync(certificate),
      key: readFileSync(key),
    });
  }

  async get(path: string): Promise<ApiObject> {
    return JSON.parse(await this.#send("GET", path)) as ApiObject;
  }

  async ready(): Promise<void> {
    await this.#send("GET", "/readyz");
  }

  /** Applies like `kubectl apply --server-side --validate=strict`, optionally as a dry run. */
  async apply(object: ApiObject, { isDryRun = false } = {}): Promise<ApiObject> {
    const query = `fieldManager=test&force=true&fieldValidation=Strict${isDryRun ? "&dryRun=All" : ""}`;
    const path = `${await this.pathOf(object)}?${query}`;
    const type = "application/apply-patch+yaml";
    return JSON.parse(await this.#send("PATCH", path, object, type)) as ApiObject;
  }

  async patch(path: string, change: object): Promise<ApiObject> {
    return JSON.parse(await this.#send("PATCH", path, change, "application/merge-patch+json")) as ApiObject;
  }

  async delete(path: string): Promise<void> {
    await this.#send("DELETE", path);
  }

  /**
   * Calls `onChange` with every state of an object from now on, until `signal` aborts. Resolves once it is watching.
   */
  async watch(path: string, onChange: (object: ApiObject) => void, signal: AbortSignal): Promise<void> {
    const [, folder = "", name = ""] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    const { metadata } = await this.get(folder);
    const version = String(metadata?.["resourceVersion"]);
    const query = `watch=true&fieldSelector=metadata.name%3D${name}&resourceVersion=${version}`;
    const response = await this.#open("GET", `${folder}?${query}`, undefined, undefined, signal);
    response.on("error", () => {});
    createInterface({ input: response })
      .on("line", (line) => onChange((JSON.parse(line) as { object: ApiObject }).object))
      .on("error", () => {});
  }

  async pathOf({ apiVersion = "v1", kind = "", metadata }: ApiObject): Promise<string> {
    const group = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
    const { name, isNamespaced } = await this.#resource(group, kind);
    const place = isNamespaced ? `/namespaces/${metadata?.namespace ?? "default"}` : "";
    return `${group}${place}/${name}/${metadata?.name}`;
  }

  async #resource(group: string, kind: string) {
    const known = this.#resources.get(`${group}/${kind}`);
    if (known) return known;
    const { resources } = await this.get(group);
    for (const resource of resources as { kind: string; name: string; namespaced: boolean }[]) {
      if (resource.name.includes("/")) continue;
      this.#resources.set(`${group}/${resource.kind}`, {
        name: resource.name,
        isNamespaced: resource.namespaced,
      });
    }
    const found = this.#resources.get(`${group}/${kind}`);
    if (found === undefined) throw new ApiError(404, `no kind ${kind} in ${group}`);
    return found;
  }

  async #send(method: string, path: string, body?: object, type?: string): Promise<string> {
    const response = await this.#open(method, path, body, type, AbortSignal.timeout(timeoutMs));
    const answer = await text(response);
    const status = response.statusCode ?? 0;
    if (status < 300) return answer;
    throw new ApiError(status, `${method} ${path}: ${status} ${messageOf(answer)}`);
  }

  #open(
    method: string,
    path: string,
    body: object | undefined,
    type = "application/json",
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.#options.port, method, path, agent: this.#agent };
      request({ ...options, signal, headers: { "content-type": type } }, resolve)
        .on("error", reject)
        .end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

function messageOf(answer: string): string {
  try {
    return (JSON.parse(answer) as { message: string }).message;
  } catch {
    return answer;
  }
}

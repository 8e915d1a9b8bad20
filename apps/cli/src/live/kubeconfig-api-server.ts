import http from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";

import type { ApiServer } from "@kong-serverless/kubernetes-watch";
import { ServerlessError, withDeadline } from "@kong-serverless/runtime";
import { KubeConfig } from "@kubernetes/client-node";

export interface KubeconfigApiServerOptions {
  readonly context: string;
  /** Undefined: $KUBECONFIG, else ~/.kube/config. */
  readonly kubeconfig: string | undefined;
  readonly signal: AbortSignal;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

const timeoutMs = 15_000;

/** The Kubernetes API server of a kube context, used for reading only. */
export class KubeconfigApiServer implements ApiServer {
  readonly #server: string;
  readonly #optionsFor: () => Promise<https.RequestOptions>;
  readonly #signal: AbortSignal;

  /** Throws CLUSTER_UNREACHABLE if there is no such context. */
  static async connect({
    context,
    kubeconfig,
    signal,
  }: KubeconfigApiServerOptions): Promise<KubeconfigApiServer> {
    const config = new KubeConfig();
    try {
      if (kubeconfig === undefined) config.loadFromDefault();
      else config.loadFromFile(kubeconfig);
    } catch (error) {
      throw new ServerlessError("CLUSTER_UNREACHABLE", (error as Error).message, { cause: error });
    }
    if (kubeconfig === undefined && isNoConfig(config)) {
      const places = "$KUBECONFIG is not set and there is no ~/.kube/config";
      throw new ServerlessError("CLUSTER_UNREACHABLE", `No cluster is configured: ${places}.`);
    }
    const contexts = config.getContexts().map(({ name }) => name);
    if (!contexts.includes(context)) {
      const known = contexts.join(", ") || "none";
      throw new ServerlessError(
        "CLUSTER_UNREACHABLE",
        `There is no context ${context}; there are: ${known}.`,
      );
    }
    config.setCurrentContext(context);
    const server = config.getCurrentCluster()?.server ?? "";
    return new KubeconfigApiServer(server, signal, async () => {
      const options: https.RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return options;
    });
  }

  private constructor(server: string, signal: AbortSignal, optionsFor: () => Promise<https.RequestOptions>) {
    this.#server = server.replace(/\/+$/, "");
    this.#signal = signal;
    this.#optionsFor = optionsFor;
  }

  /** Gets a path such as `/apis`. Throws CLUSTER_UNREACHABLE without an answer within 15 s. */
  async get(path: string): Promise<ApiAnswer> {
    const url = `${this.#server}${path}`;
    const late = () => new Error(`no answer within ${timeoutMs} ms`);
    using deadline = withDeadline(timeoutMs, late, this.#signal);
    try {
      const response = await this.#ask(url, deadline.signal);
      const status = response.statusCode ?? 0;
      const content = await text(response);
      return { status, body: status < 300 ? JSON.parse(content) : readRefusal(content) };
    } catch (error) {
      const { message } = deadline.signal.aborted ? (deadline.signal.reason as Error) : (error as Error);
      throw new ServerlessError("CLUSTER_UNREACHABLE", `GET ${url}: ${message}`, { cause: error });
    }
  }

  /** Sends a GET whose answer may go on for as long as `signal` allows, such as a watch. */
  open(path: string, signal: AbortSignal): Promise<http.IncomingMessage> {
    return this.#ask(`${this.#server}${path}`, signal);
  }

  async #ask(url: string, signal: AbortSignal): Promise<http.IncomingMessage> {
    // Credentials may come from a command in the kubeconfig, and expire.
    const { headers, ...options } = await this.#optionsFor();
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const { request } = url.startsWith("https:") ? https : http;
    const accepting = { ...(headers as http.OutgoingHttpHeaders | undefined), accept: "application/json" };
    request(url, { ...options, headers: accepting, signal }, resolve)
      .on("error", reject)
      .end();
    return promise;
  }
}

/** A Status, or plain text: an API server answers "404 page not found" for a group that it does not have. */
function readRefusal(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return { message: content.trim() };
  }
}

/** The context that the client makes up without a configuration. */
function isNoConfig(config: KubeConfig): boolean {
  const { name, server } = config.getCurrentCluster() ?? {};
  return name === "cluster" && server === "http://localhost:8080";
}

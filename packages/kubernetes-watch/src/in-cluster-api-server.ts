import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { addAbortSignal } from "node:stream";

import { withDeadline } from "@kong-serverless/runtime";

/** A Kubernetes API server. */
export interface ApiServer {
  /**
   * Sends a GET for a path such as `/apis`. Resolves with the answer's head, whatever its status; its body may go on for as
   * long as `signal` allows.
   */
  open(path: string, signal: AbortSignal): Promise<http.IncomingMessage>;
}

export interface InClusterOptions {
  readonly url: string;
  /** Where the service account's token and the cluster's certificate are mounted. */
  readonly folder: string;
}

const answerTimeoutMs = 15_000;

/** The API server of the cluster that this process runs in, called with the pod's service account. */
export class InClusterApiServer implements ApiServer {
  readonly #url: string;
  readonly #folder: string;

  constructor({ url, folder }: InClusterOptions) {
    this.#url = url;
    this.#folder = folder;
  }

  async open(path: string, signal: AbortSignal): Promise<http.IncomingMessage> {
    // Read each time: Kubernetes replaces the token about once an hour.
    const [token, ca] = await Promise.all([
      readFile(`${this.#folder}/token`, "utf8"),
      readFile(`${this.#folder}/ca.crt`, "utf8"),
    ]);
    const { request } = this.#url.startsWith("https:") ? https : http;
    const late = () => new Error(`no answer within ${answerTimeoutMs} ms`);
    using deadline = withDeadline(answerTimeoutMs, late, signal);
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const headers = { authorization: `Bearer ${token.trim()}`, accept: "application/json" };
    // A watch keeps its connection to itself for as long as it lasts.
    const options = { agent: false, ca, headers, signal: deadline.signal };
    request(`${this.#url}${path}`, options, resolve).on("error", reject).end();
    return addAbortSignal(signal, await promise);
  }
}

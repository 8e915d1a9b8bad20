import { type IncomingMessage, request as send, type RequestOptions } from "node:http";
import { text } from "node:stream/consumers";

import type { TestRequest } from "./test-gateway.ts";

export interface ClientResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends a request to a gateway at `address`, on its own connection. Rejects when the client leaves before the answer. */
export function sendRequest(
  address: RequestOptions,
  { path = "/", host = "demo.example", headers = {}, method = "GET", signal }: TestRequest = {},
): Promise<ClientResponse> {
  return new Promise((resolve, reject) => {
    const options = { ...address, path, method, headers: { host, ...headers }, agent: false };
    const sent = send(
      { ...options, ...(signal !== undefined && { signal }) },
      (response: IncomingMessage) => {
        text(response).then(
          (body) =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers as Record<string, string>,
              body,
            }),
          reject,
        );
      },
    );
    sent.on("error", reject);
    sent.end();
  });
}

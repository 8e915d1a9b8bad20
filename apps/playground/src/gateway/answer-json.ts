import type { ServerResponse } from "node:http";

/** Answers in the form of Kong's own answers. */
export function answerJson(
  response: ServerResponse,
  status: number,
  body: { readonly message: string },
): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(body));
}

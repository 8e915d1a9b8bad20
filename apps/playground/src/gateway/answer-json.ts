import type { ServerResponse } from "node:http";

/** Answers as Kong does what it answers itself. */
export function answerJson(
  response: ServerResponse,
  status: number,
  body: { readonly message: string },
): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(body));
}

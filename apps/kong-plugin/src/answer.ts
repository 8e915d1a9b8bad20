import { type ErrorCodeName, problem as problemAnswer } from "@kong-serverless/runtime";

/** The arguments of `kong.response.exit`. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Refusal {
  readonly code: ErrorCodeName;
  readonly backend: string;
  readonly retryAfterMs: number;
}

/** Answers a request that cannot be proxied: a problem with a stable code. */
export function problem({ code, backend, retryAfterMs }: Refusal): Answer {
  const { headers, ...answer } = problemAnswer({ code, more: { backend } });
  return { ...answer, headers: { ...headers, ...commonHeaders(retryAfterMs) } };
}

/** The same for a person in front of a browser: a page that says how long it may take and comes back by itself. */
export function waitingPage({ backend, retryAfterMs }: Refusal): Answer {
  const seconds = toSeconds(retryAfterMs);
  return {
    status: 503,
    body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="1">
<title>Starting</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;margin:20vh auto;max-width:32rem;padding:0 1rem;color-scheme:light dark}</style>
<h1>Starting ${backend}</h1>
<p>It was asleep. It should be ready in about ${seconds} second${seconds === 1 ? "" : "s"}; this page comes back by itself.</p>
</html>
`,
    headers: { "content-type": "text/html; charset=utf-8", ...commonHeaders(retryAfterMs) },
  };
}

function commonHeaders(retryAfterMs: number): Record<string, string> {
  return { "cache-control": "no-store", "retry-after": String(toSeconds(retryAfterMs)) };
}

function toSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}

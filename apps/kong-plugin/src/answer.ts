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
  const name = escapeHtml(backend);
  return {
    status: 503,
    body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="1">
<title>Starting ${name}</title>
<style>${style}</style>
<main>
<div class="bar" aria-hidden="true"></div>
<h1>Starting ${name}</h1>
<p>It was asleep. It should be ready in about ${seconds} second${seconds === 1 ? "" : "s"}; this page reloads by itself.</p>
</main>
</html>
`,
    headers: { "content-type": "text/html; charset=utf-8", ...commonHeaders(retryAfterMs) },
  };
}

/** The colours and type of the playground's page. Nothing is loaded: what would serve it may be asleep too. */
const style = `
:root{color-scheme:light dark;--ground:#f7f7f5;--panel:#fff;--line:#e5e5e1;--text:#1c1d1f;--muted:#62656b;--accent:#1f5fd6;
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;
color:var(--text);background:var(--ground)}
@media(prefers-color-scheme:dark){:root{--ground:#131417;--panel:#1b1d21;--line:#2c2f35;--text:#e9eaec;--muted:#9da2ab;--accent:#79a8ff}}
body{margin:0;min-height:100vh;display:grid;place-items:center}
main{box-sizing:border-box;width:min(32rem,100% - 2rem);padding:28px;background:var(--panel);border:1px solid var(--line);border-radius:10px;
overflow-wrap:anywhere}
h1{margin:20px 0 6px;font-size:20px;font-weight:650;line-height:1.25;letter-spacing:-.01em}
p{margin:0;color:var(--muted)}
.bar{height:3px;border-radius:2px;background:linear-gradient(90deg,var(--line) 40%,var(--accent),var(--line) 60%) 0/300% 100%}
@media(prefers-reduced-motion:no-preference){.bar{animation:pass 1.6s linear infinite}@keyframes pass{from{background-position:100% 0}to{background-position:0 0}}}
`;

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function commonHeaders(retryAfterMs: number): Record<string, string> {
  return { "cache-control": "no-store", "retry-after": String(toSeconds(retryAfterMs)) };
}

function toSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}

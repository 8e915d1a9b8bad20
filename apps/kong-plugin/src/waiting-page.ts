import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

import { type Log, ServerlessError, withDeadline } from "@kong-serverless/runtime";

import { type Answer, commonHeaders, type Refusal, toSeconds } from "./answer.ts";

/** A template is kept in memory and sent whole by Kong, so it has to be small. */
const maxBytes = 64 * 1024;
const readTimeoutMs = 5000;
const refreshMs = 60_000;

const placeholders = ["backend", "path", "retryAfter", "retryAfterSeconds"] as const;

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

const defaultTemplate = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="1">
<title>Starting {{backend}}</title>
<style>${style}</style>
<main>
<div class="bar" aria-hidden="true"></div>
<h1>Starting {{backend}}</h1>
<p>It was asleep. It should be ready in about {{retryAfter}}; this page reloads by itself.</p>
</main>
</html>
`;

/**
 * What a person in front of a browser gets instead of a problem: the built-in page, or the operator's template. The template
 * is read once a minute, never for a request. If that fails, the last good one stays.
 */
export class WaitingPage {
  readonly #source: string | undefined;
  readonly #log: Log;
  #template = defaultTemplate;
  #isUnavailable = false;
  #refreshing: NodeJS.Timeout | undefined;
  readonly #stopping = new AbortController();

  /** @param source Path of a file or http(s) URL; absent: the built-in page. */
  constructor(source: string | undefined, log: Log) {
    this.#source = source;
    this.#log = log;
  }

  /** Starts reading the template, now and every minute. Never fails: there is always a page. */
  start(): void {
    const source = this.#source;
    if (source === undefined) return;
    void this.#refresh(source);
    this.#refreshing = setInterval(() => void this.#refresh(source), refreshMs).unref();
  }

  stop(): void {
    clearInterval(this.#refreshing);
    this.#stopping.abort();
  }

  answer({ backend, retryAfterMs, path }: Omit<Refusal, "code"> & { readonly path: string }): Answer {
    const seconds = toSeconds(retryAfterMs);
    const values = {
      backend,
      path,
      retryAfter: `${seconds} second${seconds === 1 ? "" : "s"}`,
      retryAfterSeconds: String(seconds),
    };
    return {
      status: 503,
      body: this.#template.replace(placeholder, (written, name: string) =>
        isPlaceholder(name) ? escapeHtml(values[name]) : written,
      ),
      headers: { "content-type": "text/html; charset=utf-8", ...commonHeaders(retryAfterMs) },
    };
  }

  async #refresh(source: string): Promise<void> {
    const { signal } = this.#stopping;
    try {
      using deadline = withDeadline(
        readTimeoutMs,
        () => invalid(`could not be read within ${readTimeoutMs} ms`),
        signal,
      );
      const template = await readTemplate(source, deadline.signal);
      if (template !== this.#template)
        this.#log.info({ source, bytes: template.length }, "waiting_page.read");
      this.#template = template;
      this.#isUnavailable = false;
    } catch (error) {
      if (signal.aborted) return;
      if (!this.#isUnavailable) this.#log.warn({ source, error }, "waiting_page.unavailable");
      this.#isUnavailable = true;
    }
  }
}

const placeholder = /\{\{\s*([\w.-]*)\s*\}\}/g;

function isPlaceholder(name: string): name is (typeof placeholders)[number] {
  return placeholders.some((known) => known === name);
}

async function readTemplate(source: string, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const open = source.startsWith("/") ? openFile : download;
  for await (const chunk of await open(source, signal)) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) throw invalid(`has more than ${maxBytes} bytes`);
  }
  // Fails unless it is UTF-8, which the answer declares.
  const template = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  const unknown = [...template.matchAll(placeholder)].find(([, name = ""]) => !isPlaceholder(name));
  if (unknown !== undefined) {
    const allowed = placeholders.map((name) => `{{${name}}}`).join(", ");
    throw invalid(`has ${unknown[0]}; allowed: ${allowed}`);
  }
  return template;
}

async function openFile(path: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  // Opening a pipe would block a thread until somebody writes to it.
  if (!(await stat(path)).isFile()) throw invalid("is not a file");
  return createReadStream(path, { signal });
}

async function download(url: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const response = await fetch(url, { signal, redirect: "error", headers: { accept: "text/html" } });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw invalid(`was answered ${response.status}`);
  }
  return response.body;
}

function invalid(problem: string): ServerlessError {
  return new ServerlessError("CONFIG_INVALID", `WAITING_PAGE: the template ${problem}.`);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { RecordingLog, ScriptedServer } from "@kong-serverless/testing";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";

import { WaitingPage } from "./waiting-page.ts";

const folder = mkdtempSync(join(tmpdir(), "waiting-page-"));
const file = join(folder, "page.html");
afterAll(() => rmSync(folder, { recursive: true }));

const request = { backend: "shop", retryAfterMs: 1500, path: "/cart" };

describe("the built-in page", () => {
  const page = new WaitingPage(undefined, new RecordingLog());

  test("the waiting page shows a backend's name as text, whatever is in it", () => {
    const { body } = page.answer({ ...request, backend: `<script>"&'{{path}}` });
    expect(body).toContain("<h1>Starting &#60;script&#62;&#34;&#38;&#39;{{path}}</h1>");
    expect(body).not.toContain("<script>");
  });

  test("the waiting page needs nothing else: it loads nothing, runs no script and reloads itself", () => {
    const { status, headers, body } = page.answer(request);
    expect(body).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(body).toContain("<title>Starting shop</title>");
    expect(body).toContain('<meta http-equiv="refresh" content="1">');
    expect(body).toContain("about 2 seconds");
    expect(body).not.toMatch(/<script|<link|<img|url\(|@import|https?:|\{\{/);
    expect(status).toBe(503);
    expect(headers).toEqual({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "retry-after": "2",
    });
  });
});

/** Serves a page, or what may stand in its place. */
class PageServer extends ScriptedServer {
  asked: string[] = [];

  protected async handle({ url = "" }: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked.push(url);
    if (url === "/moved") response.writeHead(302, { location: "/page" }).end();
    else if (url === "/missing") this.answer(response, 404);
    else if (url === "/endless") while (response.write("x".repeat(10_000))) await new Promise(setImmediate);
    else this.answer(response, { status: 200, body: "<b>{{ backend }}</b>" });
  }
}

describe("the operator's template", () => {
  const pages: WaitingPage[] = [];
  afterEach(() => {
    for (const page of pages.splice(0)) page.stop();
    vi.useRealTimers();
  });

  function start(source: string) {
    const log = new RecordingLog();
    const page = new WaitingPage(source, log);
    pages.push(page);
    page.start();
    return {
      log,
      body: () => page.answer(request).body,
      failure: async () => {
        await expect.poll(() => log.fieldsOf("waiting_page.unavailable")).toHaveLength(1);
        return String(log.fieldsOf("waiting_page.unavailable")[0]?.["error"]);
      },
    };
  }

  test("is filled in with what is known of the request, as text", async () => {
    writeFileSync(file, "{{backend}} {{path}} {{retryAfter}} {{retryAfterSeconds}} 5 > {x}");
    const { body } = start(file);
    await expect.poll(body).toBe("shop /cart 2 seconds 2 5 > {x}");
    const { body: shown } = pages[0]?.answer({ ...request, path: '/"><script>' }) ?? {};
    expect(shown).toContain("/&#34;&#62;&#60;script&#62;");
  });

  test("may come from a server, which is not asked again for each request", async () => {
    await using server = await new PageServer().start();
    const { body } = start(`${server.url}/page`);
    await expect.poll(body).toBe("<b>shop</b>");
    for (let nth = 0; nth < 5; nth += 1) body();
    expect(server.asked).toEqual(["/page"]);
  });

  test("is read again every minute, and the last good one stays", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    writeFileSync(file, "first");
    const { log, body, failure } = start(file);
    await expect.poll(body).toBe("first");
    writeFileSync(file, "second");
    vi.advanceTimersByTime(60_000);
    await expect.poll(body).toBe("second");
    writeFileSync(file, "{{nme}}");
    vi.advanceTimersByTime(60_000);
    expect(await failure()).toContain("has {{nme}}; allowed: {{backend}}, {{path}}");
    expect(body()).toBe("second");
    writeFileSync(file, "third");
    vi.advanceTimersByTime(60_000);
    await expect.poll(body).toBe("third");
    expect(log.fieldsOf("waiting_page.read")).toHaveLength(3);
  });

  test.each([
    ["/missing", "was answered 404"],
    ["/moved", "fetch failed"],
    ["/endless", "has more than 65536 bytes"],
  ])("that a server does not give at %s is replaced by the built-in page", async (path, reason) => {
    await using server = await new PageServer().start();
    const { body, failure } = start(`${server.url}${path}`);
    expect(await failure()).toContain(reason);
    expect(body()).toContain("Starting shop");
  });

  test.each([
    ["too long", Buffer.alloc(70_000, "x"), "has more than 65536 bytes"],
    ["not UTF-8", Buffer.from([0xff, 0xfe, 0x41]), "encoded data was not valid"],
  ])("that is %s is replaced by the built-in page", async (_, content, reason) => {
    writeFileSync(file, content);
    const { body, failure } = start(file);
    expect(await failure()).toContain(reason);
    expect(body()).toContain("Starting shop");
  });

  test("that is a pipe is replaced by the built-in page", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const { body, failure } = start(pipe);
    expect(await failure()).toContain("is not a file");
    expect(body()).toContain("Starting shop");
  });
});

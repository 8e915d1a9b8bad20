import { expect, test } from "vitest";

import { waitingPage } from "./answer.ts";

const page = (backend: string) => waitingPage({ code: "HOLD_TIMEOUT", backend, retryAfterMs: 1500 });

test("the waiting page shows a backend's name as text, whatever is in it", () => {
  const { body } = page(`<script>"&'`);
  expect(body).toContain("<h1>Starting &#60;script&#62;&#34;&#38;&#39;</h1>");
  expect(body).not.toContain("<script>");
});

test("the waiting page needs nothing else: it loads nothing, runs no script and reloads itself", () => {
  const { status, headers, body } = page("shop");
  expect(body).toMatch(/^<!doctype html>\n<html lang="en">/);
  expect(body).toContain("<title>Starting shop</title>");
  expect(body).toContain('<meta http-equiv="refresh" content="1">');
  expect(body).toContain("about 2 seconds");
  expect(body).not.toMatch(/<script|<link|<img|url\(|@import|https?:/);
  expect(status).toBe(503);
  expect(headers).toEqual({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "retry-after": "2",
  });
});

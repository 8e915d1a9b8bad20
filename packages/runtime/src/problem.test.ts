import { expect, test } from "vitest";

import { problem } from "./problem.ts";

test("a code brings its title and status", () => {
  const { status, headers, body } = problem({ code: "NOT_FOUND", detail: "no such job", more: { ids: [] } });
  expect(status).toBe(404);
  expect(headers).toEqual({ "content-type": "application/problem+json" });
  expect(JSON.parse(body)).toEqual({
    title: expect.any(String) as unknown,
    status: 404,
    detail: "no such job",
    code: "NOT_FOUND",
    ids: [],
  });
});

test("without a code the title is the status's", () => {
  expect(problem({ status: 502, retryAfterSeconds: 5 })).toEqual({
    status: 502,
    headers: { "content-type": "application/problem+json", "retry-after": "5" },
    body: '{"title":"Bad Gateway","status":502}',
  });
});

test("a code that is not meant to reach a client is a 500", () => {
  expect(problem({ code: "MESSAGE_CORRUPTED" }).status).toBe(500);
});

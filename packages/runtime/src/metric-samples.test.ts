import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { Counter, Gauge, Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";

import { listen } from "./listen.ts";
import { fetchSamples, parseSamples, sumSamples } from "./metric-samples.ts";

test.each([
  ["a name alone", "up 1", [{ name: "up", labels: {}, value: 1 }]],
  [
    "labels in any order, with spaces and a comma at their end",
    'requests_total { code = "200" , method="GET", } 3',
    [{ name: "requests_total", labels: { code: "200", method: "GET" }, value: 3 }],
  ],
  ["empty labels", "up{} 1", [{ name: "up", labels: {}, value: 1 }]],
  [
    "escaped label values",
    String.raw`files{path="C:\\DIR\\new.txt",error="no \"file\"\nfound"} 1`,
    [{ name: "files", labels: { path: String.raw`C:\DIR\new.txt`, error: 'no "file"\nfound' }, value: 1 }],
  ],
  [
    "braces, commas and equal signs in label values",
    'routes{path="/{id},x=\\"y\\"}",host="#"} 2',
    [{ name: "routes", labels: { path: '/{id},x="y"}', host: "#" }, value: 2 }],
  ],
  ["a timestamp", "up 1 -1395066363000", [{ name: "up", labels: {}, value: 1 }]],
  [
    "a bucket without an end",
    'x_bucket{le="+Inf"} 4',
    [{ name: "x_bucket", labels: { le: "+Inf" }, value: 4 }],
  ],
  [
    "an infinite value",
    "a +Inf\nb -Inf",
    [
      { name: "a", labels: {}, value: Infinity },
      { name: "b", labels: {}, value: -Infinity },
    ],
  ],
  ["a value that is no number", "a NaN", [{ name: "a", labels: {}, value: Number.NaN }]],
  [
    "exponents and signs",
    "a 1.458255915e9\nb -0.5\nc +2",
    [
      { name: "a", labels: {}, value: 1_458_255_915 },
      { name: "b", labels: {}, value: -0.5 },
      { name: "c", labels: {}, value: 2 },
    ],
  ],
  ["a name with colons", "job:errors:rate5m 1", [{ name: "job:errors:rate5m", labels: {}, value: 1 }]],
])("reads %s", (_, text, samples) => {
  expect(parseSamples(text)).toEqual(samples);
});

test("skips comments, empty lines and lines that hold no sample", () => {
  const text = [
    "# HELP up Whether it is up.",
    "# TYPE up gauge",
    "",
    "  # up 2",
    "up1",
    "up one",
    'up{host="a 2',
    "1up 2",
    "\tup  1\t",
  ].join("\n");
  expect(parseSamples(text)).toEqual([{ name: "up", labels: {}, value: 1 }]);
});

test("reads what prom-client writes", async () => {
  const registry = new Registry();
  const labels = { path: 'a\\b"c"\nd{e}' };
  new Counter({ name: "requests_total", help: "a\nb", labelNames: ["path"], registers: [registry] }).inc(
    labels,
    2,
  );
  new Gauge({ name: "limit", help: "x", registers: [registry] }).set(Infinity);
  expect(parseSamples(await registry.metrics())).toEqual([
    { name: "requests_total", labels, value: 2 },
    { name: "limit", labels: {}, value: Infinity },
  ]);
});

test("sums the samples that have the wanted labels", () => {
  const samples = parseSamples('a{x="1",y="1"} 1\na{x="1",y="2"} 2\na{x="2"} 4\nab{x="1"} 8');
  expect(sumSamples(samples, "a")).toBe(7);
  expect(sumSamples(samples, "a", { x: "1" })).toBe(3);
  expect(sumSamples(samples, "a", { x: "1", y: "2" })).toBe(2);
  expect(sumSamples(samples, "a", { z: "1" })).toBe(0);
});

test("asks an address for its samples, and says what status it got instead", async () => {
  const server = createServer(({ url }, response) => {
    response.writeHead(url === "/metrics" ? 200 : 404).end("up 1");
  });
  onTestFinished(() => void server.close());
  await listen(server, { host: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await fetchSamples(url)).toEqual([{ name: "up", labels: {}, value: 1 }]);
  server.removeAllListeners("request").on("request", (_, response) => response.writeHead(503).end("up 1"));
  await expect(fetchSamples(url)).rejects.toThrow("status 503");
});

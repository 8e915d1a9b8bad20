import { expect, it } from "vitest";

import { type ColdStart, ColdStarts } from "./cold-starts.ts";
import { Journal } from "./journal.ts";
import type { Cluster } from "./manifests/cluster.ts";

const cluster = {
  scaleTargets: [
    {
      name: "web",
      backend: { name: "shop" },
      deployment: { spec: { template: { metadata: { labels: { app: "web" } } } } },
    },
    {
      name: "store",
      backend: { name: "stock" },
      deployment: { spec: { template: { metadata: { labels: { app: "store" } } } } },
    },
  ],
  services: [{ metadata: { name: "web-service" }, spec: { selector: { app: "web" } } }],
} as unknown as Cluster;

function record(journal = new Journal()) {
  const coldStarts: ColdStart[] = [];
  new ColdStarts(cluster, journal).onColdStart((coldStart) => coldStarts.push(coldStart));
  const gateway = (event: string, request: string, atMs: number, fields = {}) =>
    journal.record("gateway", event, { request, service: "web-service", ...fields }, atMs);
  return {
    coldStarts,
    arrive: (request: string, atMs: number) => gateway("request.arrived", request, atMs),
    proxy: (request: string, atMs: number) => gateway("request.proxied", request, atMs),
    answer: (request: string, atMs: number, status = 200) =>
      gateway("request.answered", request, atMs, { status }),
    plugin: (event: string, atMs: number) => journal.record("plugin", event, { backend: "shop" }, atMs),
    autoscaler: (event: string, atMs: number, fields = {}) =>
      journal.record("autoscaler", event, { target: "web", ...fields }, atMs),
    kubelet: (event: string, atMs: number) => journal.record("kubelet", event, { target: "web" }, atMs),
  };
}

it("reports a cold start step by step, in ms since its request arrived, whichever name the backend goes by", () => {
  const { coldStarts, arrive, proxy, answer, plugin, autoscaler, kubelet } = record();
  arrive("a", 1_000);
  plugin("activation.started", 1_002);
  plugin("wake.published", 1_010);
  autoscaler("trigger.activated", 1_100, { type: "metrics-api" });
  autoscaler("trigger.activated", 1_200, { type: "aws-sqs-queue" });
  autoscaler("replicas.changed", 1_201, { from: 0 });
  kubelet("process.started", 1_210);
  kubelet("pod.ready", 1_880);
  plugin("activation.ready", 1_900);
  proxy("a", 1_901);
  answer("a", 1_910);
  const timeline = [
    { event: "held", atMs: 2 },
    { event: "wake published", atMs: 10 },
    { event: "queue seen by the scaler", atMs: 200 },
    { event: "scaled 0 -> 1", atMs: 201 },
    { event: "process started", atMs: 210 },
    { event: "ready for the kubelet", atMs: 880 },
    { event: "first ready answer", atMs: 900 },
    { event: "proxied", atMs: 901 },
    { event: "answered", atMs: 910 },
  ];
  expect(coldStarts).toEqual([{ target: "web", timeline }]);
});

it("sorts steps that arrive out of order, and keeps the first of duplicates", () => {
  const { coldStarts, arrive, proxy, answer, plugin } = record();
  arrive("a", 0);
  arrive("b", 5);
  plugin("activation.started", 1);
  proxy("a", 103);
  proxy("b", 104);
  plugin("wake.published", 3);
  plugin("wake.published", 50);
  plugin("activation.ready", 102);
  answer("a", 110);
  answer("b", 111);
  expect(coldStarts).toHaveLength(1);
  expect(coldStarts[0]?.timeline).toEqual([
    { event: "held", atMs: 1 },
    { event: "wake published", atMs: 3 },
    { event: "first ready answer", atMs: 102 },
    { event: "proxied", atMs: 103 },
    { event: "answered", atMs: 110 },
  ]);
});

it("reports nothing for requests to a backend that is up", () => {
  const { coldStarts, arrive, proxy, answer } = record();
  arrive("a", 0);
  proxy("a", 1);
  answer("a", 2);
  expect(coldStarts).toEqual([]);
});

it("does not take a client that left for an answer, and drops a cold start that nobody waits for", () => {
  const { coldStarts, arrive, answer, plugin } = record();
  arrive("a", 0);
  arrive("b", 1);
  plugin("activation.started", 2);
  answer("a", 10, 499);
  answer("b", 20);
  expect(coldStarts.map(({ timeline }) => timeline.at(-1))).toEqual([{ event: "answered", atMs: 20 }]);
  arrive("c", 100);
  plugin("activation.started", 101);
  answer("c", 110, 499);
  arrive("d", 500);
  answer("d", 510);
  expect(coldStarts).toHaveLength(1);
});

it("reports each cold start of a backend separately", () => {
  const { coldStarts, arrive, answer, plugin } = record();
  for (const atMs of [0, 1_000]) {
    arrive(`r${atMs}`, atMs);
    plugin("activation.started", atMs + 1);
    answer(`r${atMs}`, atMs + 10);
  }
  expect(coldStarts.map(({ timeline }) => timeline.at(-1)?.atMs)).toEqual([10, 10]);
});

it("counts neither an open WebSocket as waiting nor its end as an answer", () => {
  const { coldStarts, arrive, proxy, answer, plugin } = record();
  arrive("socket", 0);
  proxy("socket", 1);
  arrive("a", 9_000);
  plugin("activation.started", 9_001);
  answer("socket", 9_002, 101);
  plugin("activation.ready", 9_200);
  proxy("a", 9_201);
  answer("a", 9_210);
  expect(coldStarts.map(({ timeline }) => timeline)).toEqual([
    [
      { event: "held", atMs: 1 },
      { event: "first ready answer", atMs: 200 },
      { event: "proxied", atMs: 201 },
      { event: "answered", atMs: 210 },
    ],
  ]);
});

it("does not count further replicas as part of a backend's start", () => {
  const { coldStarts, arrive, proxy, answer, plugin, autoscaler, kubelet } = record();
  arrive("a", 0);
  plugin("activation.started", 1);
  autoscaler("replicas.changed", 2, { from: 1 });
  plugin("activation.ready", 3);
  proxy("a", 4);
  kubelet("process.started", 5);
  answer("a", 1_000);
  const steps = coldStarts.flatMap(({ timeline }) => timeline.map(({ event }) => event));
  expect(steps).toEqual(["held", "first ready answer", "proxied", "answered"]);
});

it("begins nothing for a request that was forwarded before the plugin logged it", () => {
  const { coldStarts, arrive, proxy, answer, plugin } = record();
  arrive("a", 0);
  proxy("a", 3);
  plugin("activation.started", 1);
  plugin("activation.ready", 2);
  answer("a", 4);
  arrive("b", 5_000);
  proxy("b", 5_001);
  answer("b", 5_002);
  expect(coldStarts).toEqual([]);
});

it("reports a backend that is woken along, from the same request to its own first ready answer", () => {
  const journal = new Journal();
  const { coldStarts, arrive, proxy, answer, plugin } = record(journal);
  const store = (event: string, atMs: number, fields = {}) =>
    journal.record("plugin", event, { backend: "stock", ...fields }, atMs);
  arrive("a", 1_000);
  plugin("activation.started", 1_002);
  store("activation.started", 1_003, { wokenBy: "shop" });
  store("wake.published", 1_010);
  plugin("activation.ready", 1_500);
  journal.record("kubelet", "process.started", { target: "store" }, 1_600);
  store("activation.ready", 1_900);
  proxy("a", 1_901);
  answer("a", 1_910);
  expect(coldStarts.map(({ target, wokenBy }) => [target, wokenBy])).toEqual([
    ["store", "web"],
    ["web", undefined],
  ]);
  expect(coldStarts[0]?.timeline).toEqual([
    { event: "woken along", atMs: 3 },
    { event: "wake published", atMs: 10 },
    { event: "process started", atMs: 600 },
    { event: "first ready answer", atMs: 900 },
  ]);
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { RecordingLog, ScriptedApiServer } from "@kong-serverless/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { InClusterApiServer } from "./in-cluster-api-server.ts";
import { ServicePods } from "./service-pods.ts";

const collection = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
const url = "http://orders.shop.svc:80/healthz";

interface Slice {
  readonly name?: string;
  readonly service?: string;
  readonly ports?: readonly object[] | null;
  readonly endpoints?: readonly object[] | null;
}

const slice = ({
  name = "orders-1",
  service = "orders",
  ports = [{ port: 8080 }],
  endpoints = [],
}: Slice) => ({
  metadata: { name, labels: { "kubernetes.io/service-name": service } },
  addressType: "IPv4",
  ports,
  endpoints,
});
const pod = (address: string, conditions: object = { ready: false }) => ({
  addresses: [address],
  conditions,
});

let server: ScriptedApiServer;
let folder: string;
let log: RecordingLog;
let pods: ServicePods;

beforeEach(async () => {
  server = await new ScriptedApiServer().start();
  folder = await mkdtemp(join(tmpdir(), "service-account-"));
  await writeFile(join(folder, "token"), `${server.token}\n`);
  await writeFile(join(folder, "ca.crt"), "");
  log = new RecordingLog();
  pods = new ServicePods({
    server: new InClusterApiServer({ url: server.url, folder }),
    namespaces: ["shop"],
    log,
  });
});
afterEach(async () => {
  await pods.stop();
  await server.stop();
  await rm(folder, { recursive: true });
});

async function watching(): Promise<void> {
  pods.start();
  await expect.poll(() => server.watches).toBe(1);
}
const seen = (...hosts: string[]) =>
  expect.poll(() => pods.addressesOf(url).map(({ host }) => host)).toEqual(hosts);

describe("the pods behind a Service", () => {
  test("are known as soon as they have an address, ready ones first, until they end", async () => {
    server.put(collection, slice({ endpoints: null, ports: null }));
    await watching();
    expect(pods.addressesOf(url)).toEqual([]);
    server.put(collection, slice({ endpoints: [pod("10.0.0.1")] }));
    await expect.poll(() => pods.addressesOf(url)).toEqual([{ host: "10.0.0.1", port: 8080 }]);
    server.put(collection, slice({ endpoints: [pod("10.0.0.1"), pod("10.0.0.2", { ready: true })] }));
    await seen("10.0.0.2", "10.0.0.1");
    const ending = pod("10.0.0.1", { ready: false, serving: true, terminating: true });
    server.put(collection, slice({ endpoints: [ending, pod("10.0.0.2")] }));
    await seen("10.0.0.2");
    server.remove(collection, "orders-1");
    await seen();
  });

  test("are those of the Service in the URL alone", async () => {
    for (let index = 0; index < 5; index += 1) {
      server.put(
        collection,
        slice({ name: `s${index}`, service: `s${index}`, endpoints: [pod(`10.0.0.${index}`)] }),
      );
    }
    await watching();
    expect(pods.addressesOf("http://s3.shop.svc.cluster.local:80/")).toEqual([
      { host: "10.0.0.3", port: 8080 },
    ]);
    expect(pods.addressesOf("https://s4.shop.svc/")).toHaveLength(1);
    for (const other of [
      "http://s3.other.svc/",
      "http://s3.shop/",
      "http://s9.shop.svc/",
      "http://10.0.0.3/",
    ]) {
      expect(pods.addressesOf(other)).toEqual([]);
    }
  });

  test("are not guessed where the Service has several ports, and are never more than a few", async () => {
    server.put(collection, slice({ ports: [{ port: 8080 }, { port: 9090 }], endpoints: [pod("10.0.0.1")] }));
    await watching();
    expect(pods.addressesOf(url)).toEqual([]);
    const endpoints = Array.from({ length: 50 }, (_, index) => pod(`10.0.0.${index}`));
    server.put(collection, slice({ ports: [{ port: 8080 }, { port: 53, protocol: "UDP" }], endpoints }));
    await expect.poll(() => pods.addressesOf(url)).toHaveLength(5);
  });
});

describe("the watch", () => {
  test("continues where it was when the API server ends it on time", async () => {
    server.put(collection, slice({ endpoints: [pod("10.0.0.1")] }));
    await watching();
    server.endWatches();
    await expect.poll(() => server.watches).toBe(0);
    expect(pods.addressesOf(url)).toHaveLength(1);
    server.put(collection, slice({ endpoints: [pod("10.0.0.2")] }));
    await expect.poll(() => pods.addressesOf(url)).toEqual([{ host: "10.0.0.2", port: 8080 }]);
    expect(server.asked.filter((asked) => asked.includes("limit="))).toHaveLength(1);
    expect(log.fieldsOf("endpoints.lost")).toEqual([]);
  });

  test("knows nothing while it is lost, and all that happened meanwhile once it is back", async () => {
    server.put(collection, slice({ endpoints: [pod("10.0.0.1")] }));
    await watching();
    server.refuses = 503;
    server.breakWatches();
    await seen();
    expect(pods.watched).toEqual([{ namespace: "shop", isCurrent: false }]);
    server.put(collection, slice({ endpoints: [pod("10.0.0.2")] }));
    server.refuses = undefined;
    await seen("10.0.0.2");
    expect(pods.watched).toEqual([{ namespace: "shop", isCurrent: true }]);
    expect(log.fieldsOf("endpoints.lost")).toHaveLength(1);
  });

  test("lists again when told that its version is too old", async () => {
    server.put(collection, slice({ endpoints: [pod("10.0.0.1")] }));
    await watching();
    server.put(collection, slice({ endpoints: [pod("10.0.0.2")] }));
    await seen("10.0.0.2");
    server.endWatches();
    server.compact();
    server.put(collection, slice({ endpoints: [pod("10.0.0.3")] }));
    await expect.poll(() => pods.addressesOf(url)).toEqual([{ host: "10.0.0.3", port: 8080 }]);
    expect(log.fieldsOf("endpoints.lost")).toEqual([
      { namespace: "shop", error: "too old resource version" },
    ]);
  });

  test("picks up a replaced token", async () => {
    await watching();
    server.token = "another";
    server.breakWatches();
    await writeFile(join(folder, "token"), server.token);
    server.put(collection, slice({ endpoints: [pod("10.0.0.2")] }));
    await seen("10.0.0.2");
    expect(pods.watched).toEqual([{ namespace: "shop", isCurrent: true }]);
  });

  test("ends at once when it is stopped, whatever it waits for", async () => {
    server.refuses = 403;
    pods.start();
    await expect.poll(() => log.fieldsOf("endpoints.lost").length).toBe(1);
    expect(log.fieldsOf("endpoints.lost")[0]).toMatchObject({ error: expect.stringContaining("status 403") });
    await pods.stop();
  });
});

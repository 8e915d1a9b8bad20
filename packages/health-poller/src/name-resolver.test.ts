import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { NameResolver } from "./name-resolver.ts";
import { SystemNamesReader } from "./system-names.ts";
import { NameServer, type NameServerOptions } from "./testing/name-server.ts";

const inCluster = "search shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n";

let folder: string;
let servers: NameServer[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "names-"));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

interface World extends NameServerOptions {
  readonly hosts?: string;
  readonly resolvConf?: string;
}

async function resolverIn({ hosts = "", resolvConf = "", ...options }: World) {
  const files = { hosts: join(folder, "hosts"), resolvConf: join(folder, "resolv.conf") };
  await writeFile(files.hosts, hosts);
  await writeFile(files.resolvConf, resolvConf);
  const server = await NameServer.start(options);
  servers.push(server);
  const resolver = new NameResolver({ names: new SystemNamesReader(files), servers: [server.address] });
  return { resolver, server, files };
}

const v4 = (address: string) => ({ address, family: 4 });
const v6 = (address: string) => ({ address, family: 6 });

describe("NameResolver", () => {
  test("asks the name server for both families and keeps its time to live", async () => {
    const { resolver } = await resolverIn({
      addresses: { "demo.example": ["10.0.0.1", "10.0.0.2", "fd00:0:0:0:0:0:0:1"] },
    });
    const { addresses, ttlMs } = await resolver.resolve("demo.example");
    expect(new Set(addresses.slice(0, 2))).toEqual(new Set([v4("10.0.0.1"), v4("10.0.0.2")]));
    expect(addresses[2]).toEqual(v6("fd00::1"));
    expect(ttlMs).toBe(7000);
  });

  test("reads the hosts file first, without a query", async () => {
    const { resolver, server } = await resolverIn({
      hosts: "127.0.0.1 localhost\n10.1.2.3 Demo demo.shop # ours\nfd00::5 demo\nnonsense demo\n",
      addresses: { demo: ["10.9.9.9"] },
    });
    expect((await resolver.resolve("DEMO")).addresses).toEqual([v4("10.1.2.3"), v6("fd00::5")]);
    expect((await resolver.resolve("demo.shop.")).addresses).toEqual([v4("10.1.2.3")]);
    expect(server.asked).toEqual([]);
  });

  test("tries a short name in each search domain, as a pod has to", async () => {
    const { resolver, server } = await resolverIn({
      resolvConf: inCluster,
      addresses: { "demo.shop.svc.cluster.local": ["10.0.0.1"] },
    });
    expect((await resolver.resolve("demo.shop.svc")).addresses).toEqual([v4("10.0.0.1")]);
    expect(server.asked.filter((question) => question.startsWith("A "))).toEqual([
      "A demo.shop.svc.shop.svc.cluster.local",
      "A demo.shop.svc.svc.cluster.local",
      "A demo.shop.svc.cluster.local",
    ]);
  });

  test.each([
    { name: "a.b", resolvConf: "search x\n", tried: ["a.b", "a.b.x"] },
    { name: "a", resolvConf: "search x y\n", tried: ["a.x", "a.y", "a"] },
    { name: "a.b", resolvConf: "search x\noptions rotate ndots:2\n", tried: ["a.b.x", "a.b"] },
    { name: "a.b.", resolvConf: inCluster, tried: ["a.b"] },
    { name: "a", resolvConf: "domain x\n; search z\nsearch y .\n", tried: ["a.y", "a"] },
    { name: "a", resolvConf: "", tried: ["a"] },
  ])("tries $tried for $name", async ({ name, resolvConf, tried }) => {
    const { resolver, server } = await resolverIn({ resolvConf });
    await expect(resolver.resolve(name)).rejects.toMatchObject({ code: "ENOTFOUND" });
    expect(server.asked.filter((question) => question.startsWith("A "))).toEqual(
      tried.map((candidate) => `A ${candidate}`),
    );
  });

  test("goes on to the next domain when the name server is silent about one, and says so when none has it", async () => {
    const { resolver } = await resolverIn({
      resolvConf: "search silent example\n",
      addresses: { "demo.example": ["10.0.0.1"] },
      swallows: (name) => name.endsWith(".silent"),
    });
    expect((await resolver.resolve("demo")).addresses).toEqual([v4("10.0.0.1")]);
    await expect(resolver.resolve("other")).rejects.toMatchObject({ code: "ETIMEOUT" });
  });

  test("does not wait for one family when the other is there", async () => {
    const { resolver, server } = await resolverIn({
      addresses: { "demo.example": ["10.0.0.1"] },
      swallows: (_, type) => type === "AAAA",
    });
    expect((await resolver.resolve("demo.example")).addresses).toEqual([v4("10.0.0.1")]);
    // If it had waited, c-ares would have asked again.
    expect(server.asked.filter((question) => question.startsWith("AAAA"))).toHaveLength(1);
  });

  test("is not delayed by names that hang, however many", async () => {
    const { resolver, server } = await resolverIn({
      addresses: { "demo.example": ["10.0.0.1"] },
      swallows: (name) => name.endsWith(".hangs"),
    });
    const hanging = Array.from({ length: 50 }, (_, nth) =>
      resolver.resolve(`n${nth}.hangs`).then(
        () => "found",
        ({ code }: NodeJS.ErrnoException) => code,
      ),
    );
    let hung = 0;
    for (const one of hanging) void one.then(() => (hung += 1));
    expect((await resolver.resolve("demo.example")).addresses).toEqual([v4("10.0.0.1")]);
    expect(hung).toBe(0);
    expect(server.asked).toContain("A n49.hangs");
    expect(new Set(await Promise.all(hanging))).toEqual(new Set(["ETIMEOUT"]));
  });

  test.each(["localhost", "sqs.eu-west-1.localhost"])("knows %s without being told", async (name) => {
    const { resolver, server } = await resolverIn({});
    expect((await resolver.resolve(name)).addresses).toEqual([v4("127.0.0.1"), v6("::1")]);
    expect(server.asked).toEqual([]);
  });
});

describe("SystemNamesReader", () => {
  test("does without files that are not there", () => {
    const reader = new SystemNamesReader({ hosts: join(folder, "none"), resolvConf: join(folder, "none") });
    expect(reader.read()).toEqual({ hosts: new Map(), search: [], ndots: 1 });
  });

  test("reads a file again when it has changed, and not more often", async () => {
    const files = { hosts: join(folder, "hosts"), resolvConf: join(folder, "resolv.conf") };
    await writeFile(files.hosts, "10.0.0.1 demo\n");
    const reader = new SystemNamesReader(files, { checkedMs: 0 });
    const before = reader.read();
    expect(reader.read()).toBe(before);
    await writeFile(files.hosts, "10.0.0.1 demo\n10.0.0.20 other\n");
    expect(reader.read().hosts.get("other")).toEqual(["10.0.0.20"]);
  });
});

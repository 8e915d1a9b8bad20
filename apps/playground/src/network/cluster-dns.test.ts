import { expect, it } from "vitest";

import { ClusterDns } from "./cluster-dns.ts";

const dns = new ClusterDns();
dns.add("kong", "proxy", 80, { host: "127.0.0.1", port: 8000 });

it("translates a known Service's URL to the address behind it", () => {
  expect(dns.resolve("http://proxy.kong.svc")).toBe("http://127.0.0.1:8000");
  expect(dns.resolve("http://proxy.kong.svc.cluster.local:80/demand/x?y=1")).toBe(
    "http://127.0.0.1:8000/demand/x?y=1",
  );
});

it("translates a host and port without a scheme, too", () => {
  expect(dns.resolve("proxy.kong.svc:80")).toBe("127.0.0.1:8000");
  expect(dns.resolve("proxy.kong.svc")).toBe("127.0.0.1:8000");
});

it("does not resolve other hosts, ports and texts", () => {
  expect(dns.resolve("http://proxy.kong.svc:81")).toBeUndefined();
  expect(dns.resolve("http://proxy.other.svc")).toBeUndefined();
  expect(dns.resolve("https://example.com")).toBeUndefined();
  expect(dns.resolve("eu-west-1")).toBeUndefined();
});

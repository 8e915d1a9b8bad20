import { describe, expect, test } from "vitest";

import { serviceUrl } from "./probe-target.ts";

const service = { id: "s", protocol: "http", host: "demo.internal", port: 8080 };
const route = { id: "r", paths: ["/kong"], strip_path: true };

const under = (target: string, paths: string[]) =>
  serviceUrl({ service, route: { ...route, paths } }, { target, health: "/healthz" });

describe("serviceUrl", () => {
  test("is the readiness path at the service when the backend has no target", () => {
    expect(serviceUrl({ service, route }, { health: "/healthz" })).toBe("http://demo.internal:8080/healthz");
  });

  test("lies below the target, without what Kong strips of it", () => {
    expect(under("/kong/consumer", ["/kong/consumer"])).toBe("http://demo.internal:8080/healthz");
    expect(under("/kong/consumer", ["/kong"])).toBe("http://demo.internal:8080/consumer/healthz");
    expect(under("/kong/consumer", ["/", "/kong/"])).toBe("http://demo.internal:8080/consumer/healthz");
    expect(under("/kong/consumer", ["/kongfoo", "~/k.*"])).toBe(
      "http://demo.internal:8080/kong/consumer/healthz",
    );
  });

  test("keeps the whole target when the route strips nothing", () => {
    const kept = { service, route: { ...route, strip_path: false } };
    expect(serviceUrl(kept, { target: "/kong", health: "/healthz" })).toBe(
      "http://demo.internal:8080/kong/healthz",
    );
  });

  test("begins with the service's own path", () => {
    expect(serviceUrl({ service: { ...service, path: "/base/" }, route }, { health: "/healthz" })).toBe(
      "http://demo.internal:8080/base/healthz",
    );
  });

  test("resolves the name that Kong Ingress Controller gives a Kubernetes service", () => {
    const named = { ...service, host: "demo.shop.8081.svc", port: 80 };
    expect(serviceUrl({ service: named, route }, { health: "/healthz" })).toBe(
      "http://demo.shop.svc:8081/healthz",
    );
  });

  test.each(["fd00::5", "::1", "::ffff:10.0.0.1", "[fd00::5]"])(
    "takes the IPv6 host %s with or without brackets",
    (host) => {
      const url = serviceUrl({ service: { ...service, host }, route }, { health: "/healthz" });
      expect(url).toBe(`http://[${host.replaceAll(/[[\]]/g, "")}]:8080/healthz`);
      expect(URL.canParse(url)).toBe(true);
    },
  );

  test.each([
    ["there is no service", undefined, "no service"],
    ["the protocol is not HTTP", { ...service, protocol: "tcp" }, "protocol is tcp"],
    ["the port is known by name only", { ...service, host: "demo.shop.http.svc" }, "by name only"],
  ])("fails when %s", (_, broken, expected) => {
    expect(() => serviceUrl({ service: broken, route }, { health: "/healthz" })).toThrow(expected);
  });
});

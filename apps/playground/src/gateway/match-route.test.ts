import { describe, expect, it } from "vitest";

import type { IngressRoute } from "../manifests/cluster.ts";
import { matchRoute } from "./match-route.ts";

const route = (path: string, changes: Partial<IngressRoute> = {}) =>
  ({ name: path, path, pathType: "Prefix", host: undefined, ...changes }) as IngressRoute;

describe("matching a route", () => {
  it("takes the longest prefix, on path-segment boundaries", () => {
    const routes = [route("/"), route("/kong"), route("/kong/consumer")];
    expect(matchRoute(routes, "any", "/kong/consumer/1")?.name).toBe("/kong/consumer");
    expect(matchRoute(routes, "any", "/kongfoo")?.name).toBe("/");
    expect(matchRoute(routes, "any", "/kong")?.name).toBe("/kong");
  });

  it("prefers an exact path to a prefix, and a rule with a host to one without", () => {
    const exact = route("/a", { name: "exact", pathType: "Exact" });
    const hosted = route("/", { name: "hosted", host: "a.example" });
    expect(matchRoute([route("/a"), exact], "any", "/a")?.name).toBe("exact");
    expect(matchRoute([exact], "any", "/a/b")).toBeUndefined();
    expect(matchRoute([exact, hosted], "a.example", "/a")?.name).toBe("hosted");
  });

  it("matches Kong's own path types as Kong does: prefixes by character, and regular expressions", () => {
    const routes = [
      route("/api", { name: "letters", pathType: "ImplementationSpecific" }),
      route("/~/v\\d+/", { name: "expression", pathType: "ImplementationSpecific" }),
      route("/[mn]/", { name: "gateway API", pathType: "RegularExpression" }),
      route("/~(", { name: "none", pathType: "ImplementationSpecific" }),
    ];
    expect(matchRoute(routes, "any", "/apifoo")?.name).toBe("letters");
    expect(matchRoute(routes, "any", "/v2/x")?.name).toBe("expression");
    expect(matchRoute(routes, "any", "/n/x")?.name).toBe("gateway API");
    expect(matchRoute(routes, "any", "/vx")).toBeUndefined();
  });

  it("finds nothing where no rule matches", () => {
    expect(matchRoute([route("/a")], "any", "/b")).toBeUndefined();
  });
});

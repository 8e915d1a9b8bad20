import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { isAllowedHost } from "./allowed-hosts.ts";

const hosts = ["gateway.kong.svc", "127.0.0.1:8000", "secure.example.com:443"];

describe("isAllowedHost", () => {
  test.each([
    "http://gateway.kong.svc/jobs/1/result",
    "https://GATEWAY.kong.svc:8443/jobs",
    "http://127.0.0.1:8000/x",
    "http://0x7f.1:8000/x",
    "https://secure.example.com/",
  ])("allows %s", (url) => {
    expect(isAllowedHost(url, hosts)).toBe(true);
  });

  test.each([
    "http://127.0.0.1:8001/",
    "http://127.0.0.1/",
    "http://secure.example.com/",
    "http://gateway.kong.svc.evil.example/",
    "http://evil.example/gateway.kong.svc",
    "http://evil.example#gateway.kong.svc",
    "http://gateway.kong.svc@evil.example/",
    "http://user:secret@gateway.kong.svc/",
    String.raw`http://evil.example\@gateway.kong.svc/`,
    "ftp://gateway.kong.svc/",
    "file:///gateway.kong.svc",
    "gateway.kong.svc",
    "",
  ])("does not allow %j", (url) => {
    expect(isAllowedHost(url, hosts)).toBe(false);
  });

  test("allows no URL with another host name", () => {
    const around = fc.constantFrom(
      "",
      "gateway.kong.svc",
      "127.0.0.1:8000",
      "@",
      "/",
      "?",
      "#",
      ":8000",
      ".",
    );
    fc.assert(
      fc.property(fc.domain(), around, around, (domain, before, after) => {
        const url = `http://${before}${domain}${after}`;
        fc.pre(URL.canParse(url) && !new URL(url).hostname.endsWith("gateway.kong.svc"));
        const { hostname, port } = new URL(url);
        fc.pre(hostname !== "127.0.0.1" || port !== "8000");
        expect(isAllowedHost(url, hosts)).toBe(false);
      }),
    );
  });
});

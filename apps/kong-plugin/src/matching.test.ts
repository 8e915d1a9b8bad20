import { describe, expect, test } from "vitest";

import { backendConfig, useTestSystem } from "./testing/test-system.ts";

const startSystem = useTestSystem();

const asleep = { ...backendConfig, upstream: "http://127.0.0.1:9" };

describe("a request", () => {
  test("is held only when it lies below a target, however its path is written", async () => {
    await using system = await startSystem({
      config: { holdTimeoutMs: 100, backend: [{ ...asleep, target: "/kong" }] },
    });
    const whoAnswers = async (path: string) => (await system.gateway.request({ path })).source;
    expect(await whoAnswers("/kongfoo")).toBe("service");
    expect(await whoAnswers("/kong/../other")).toBe("service");
    expect(await whoAnswers("/other/%2e%2e/kong/x")).toBe("exit");
    expect(await whoAnswers("/%6bong")).toBe("exit");
  });

  test("is held only for a host that the backend names", async () => {
    await using system = await startSystem({
      config: { holdTimeoutMs: 100, backend: [{ ...asleep, hosts: ["*.example"] }] },
    });
    const whoAnswers = async (host: string) => (await system.gateway.request({ host })).source;
    expect(await whoAnswers("demo.example")).toBe("exit");
    expect(await whoAnswers("demo.example.com")).toBe("service");
  });
});

import { describe, expect, test } from "vitest";

import { config, useTestSystem } from "./testing/test-system.ts";

const startSystem = useTestSystem();

describe("a Dapr sidecar", () => {
  test("that comes up late is found, and the backend woken", async () => {
    await using system = await startSystem({ config: { ...config, holdTimeoutMs: 20_000 } });
    await system.sidecar.stop();
    const response = system.gateway.request();
    await system.gateway.plugin.waitFor("wake.failed", {
      matches: ({ code }) => code === "SIDECAR_UNAVAILABLE",
    });
    await system.sidecar.start();
    await system.gateway.plugin.waitFor("wake.published");
    system.backend.become(200);
    expect((await response).status).toBe(200);
  });

  test.each([
    [403, "PUBLISH_REJECTED"],
    [404, "PUBLISH_REJECTED"],
    [500, "PUBLISH_FAILED"],
    ["silence", "PUBLISH_TIMEOUT"],
  ] as const)(
    "that answers %s does not keep requests from a backend that is up anyway",
    async (answer, code) => {
      await using system = await startSystem({ config: { ...config, publishTimeoutMs: 300 } });
      system.sidecar.become(answer);
      const response = system.gateway.request();
      await system.gateway.plugin.waitFor("wake.failed", { matches: (line) => line["code"] === code });
      system.backend.become(200);
      expect((await response).status).toBe(200);
    },
  );

  test("that is slower than the backend's start delays nobody", async () => {
    await using system = await startSystem();
    system.sidecar.become("silence");
    system.backend.become(503, 503, 200);
    expect((await system.gateway.request()).status).toBe(200);
    expect(system.count("wake.published") + system.count("wake.failed")).toBe(0);
  });
});

import { describe, expect, test } from "vitest";

import { config, useStage } from "./testing/stage.ts";

const openStage = useStage();

describe("a Dapr sidecar", () => {
  test("that comes up late is found, and the backend woken", async () => {
    await using stage = await openStage({ config: { ...config, holdTimeoutMs: 20_000 } });
    await stage.sidecar.stop();
    const response = stage.gateway.request();
    await stage.gateway.plugin.waitFor("wake.failed", {
      matches: ({ code }) => code === "SIDECAR_UNAVAILABLE",
    });
    await stage.sidecar.start();
    await stage.gateway.plugin.waitFor("wake.published");
    stage.backend.become(200);
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
      await using stage = await openStage({ config: { ...config, publishTimeoutMs: 300 } });
      stage.sidecar.become(answer);
      const response = stage.gateway.request();
      await stage.gateway.plugin.waitFor("wake.failed", { matches: (line) => line["code"] === code });
      stage.backend.become(200);
      expect((await response).status).toBe(200);
    },
  );

  test("that is slower than the backend's start delays nobody", async () => {
    await using stage = await openStage();
    stage.sidecar.become("silence");
    stage.backend.become(503, 503, 200);
    expect((await stage.gateway.request()).status).toBe(200);
    expect(stage.count("wake.published") + stage.count("wake.failed")).toBe(0);
  });
});

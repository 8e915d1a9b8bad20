import { describe, expect, test } from "vitest";

import { ScriptedBackend } from "./scripted-backend.ts";
import { ScriptedSidecar } from "./scripted-sidecar.ts";

describe("ScriptedBackend", () => {
  test("answers readiness by its script, repeats the last answer, and can change its mind", async () => {
    await using backend = await new ScriptedBackend(503, 200).start();
    const ask = async () => (await fetch(backend.readinessUrl)).status;
    expect([await ask(), await ask(), await ask()]).toEqual([503, 200, 200]);
    backend.become(500);
    expect(await ask()).toBe(500);
    expect(backend.probes).toBe(4);
  });

  test("answers other requests with what was asked, and records them", async () => {
    await using backend = await new ScriptedBackend(200).start();
    const answer = await (await fetch(`${backend.url}/a?b=1`)).json();
    expect(answer).toMatchObject({ method: "GET", url: "/a?b=1", headers: { host: expect.any(String) } });
    expect(backend.requests).toEqual(["GET /a?b=1"]);
  });

  test("comes back on the same port, and refuses connections in between", async () => {
    await using backend = await new ScriptedBackend(200).start();
    await backend.stop();
    await expect(fetch(backend.readinessUrl)).rejects.toThrow("fetch failed");
    await backend.start();
    expect((await fetch(backend.readinessUrl)).status).toBe(200);
  });
});

describe("ScriptedSidecar", () => {
  test("takes what Dapr's publish API takes, and nothing else", async () => {
    await using sidecar = await new ScriptedSidecar(204).start();
    const publish = await fetch(`${sidecar.url}/v1.0/publish/pubsub/topic?metadata.rawPayload=true`, {
      method: "POST",
      body: '{"id":1}',
    });
    expect(publish.status).toBe(204);
    expect((await fetch(`${sidecar.url}/v1.0/metadata`)).status).toBe(404);
    expect((await fetch(`${sidecar.url}/v1.0/healthz/outbound`)).status).toBe(204);
    expect(sidecar.messages).toMatchObject([
      { pubsub: "pubsub", topic: "topic", metadata: { rawPayload: "true" }, data: { id: 1 } },
    ]);
    expect(sidecar.otherRequests).toEqual(["GET /v1.0/metadata", "GET /v1.0/healthz/outbound"]);
  });
});

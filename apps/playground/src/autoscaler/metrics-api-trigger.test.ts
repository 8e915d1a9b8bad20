import { AnsweringServer, type ScriptedAnswer } from "@kong-serverless/testing";
import { expect, it, onTestFinished } from "vitest";

import { MetricsApiTrigger, type MetricsApiSettings } from "./metrics-api-trigger.ts";

async function read(answer: ScriptedAnswer, changes: Partial<MetricsApiSettings> = {}, signal = never) {
  const server = await new AnsweringServer(answer).start();
  onTestFinished(() => server.stop());
  const settings: MetricsApiSettings = {
    url: "http://demand.kong.svc:8090/demand/web",
    valueLocation: "demand",
    targetValue: "10",
    activationTargetValue: "0",
    aggregateFromKubeServiceEndpoints: "true",
    aggregationType: "sum",
    ...changes,
  };
  return new MetricsApiTrigger("demand", settings, `${server.url}/demand/web`).read(signal);
}

const never = new AbortController().signal;
const json = (body: unknown) => ({ status: 200, body: JSON.stringify(body) });

it("reads the number at valueLocation, and is active only above the threshold", async () => {
  expect(await read(json({ demand: 12 }))).toEqual({ value: 12, isActive: true, targetPerReplica: 10 });
  expect(await read(json({ demand: 0 }))).toMatchObject({ value: 0, isActive: false });
  expect(await read(json({ demand: 3 }), { activationTargetValue: "3" })).toMatchObject({ isActive: false });
});

it("finds a nested number, and one written as text", async () => {
  const reading = await read(json({ of: { web: "7" } }), { valueLocation: "of.web" });
  expect(reading.value).toBe(7);
});

it.each([{}, { demand: null }, { demand: "" }, { demand: true }, { demand: "many" }, { demand: [1] }, null])(
  "fails without a number, as in %j, and says where it looked",
  async (body) => {
    await expect(read(json(body))).rejects.toThrow(
      'http://demand.kong.svc:8090/demand/web has no number at "demand"',
    );
  },
);

it("fails on an error status, on an answer that is not JSON, and without an answer", async () => {
  await expect(read(503)).rejects.toThrow("http://demand.kong.svc:8090/demand/web answered 503");
  await expect(read({ status: 200, body: "demand 1" })).rejects.toThrow("JSON");
  await expect(read("hang-up")).rejects.toThrow("fetch failed");
});

it("gives up when aborted", async () => {
  const stopped = new AbortController();
  const reading = read("silence", {}, stopped.signal);
  stopped.abort(new Error("stopped"));
  await expect(reading).rejects.toThrow("stopped");
});

import type { IncomingMessage, ServerResponse } from "node:http";

import { ScriptedServer } from "@kong-serverless/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { runCli } from "../testing/run-cli.ts";
import { parseServerTiming } from "./server-timing.ts";
import type { Trace } from "./trace.ts";

/** Answers as a gateway with the plugin does: the first request is held, the next one is warm. */
class GatewayStandIn extends ScriptedServer {
  isAwake = false;
  refuses = false;
  isSilent = false;
  readonly received: IncomingMessage[] = [];
  #coldStarts = 0;

  protected override async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === "/metrics") {
      response.end(
        this.#coldStarts === 0
          ? ""
          : `# HELP x\nserverless_cold_start_seconds_sum{backend="demo",stage="wake"} 0.04\nserverless_cold_start_seconds_sum{backend="demo",stage="start"} 1.5\n`,
      );
      return;
    }
    this.received.push(request);
    if (this.isSilent) return;
    if (this.refuses) {
      response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "2" });
      response.end(
        JSON.stringify({ title: "It was held.", status: 503, code: "HOLD_TIMEOUT", backend: "demo" }),
      );
      return;
    }
    const held = this.isAwake
      ? {}
      : { "server-timing": 'hold;dur=1540;desc="cold start"', "x-serverless-held-ms": "1540" };
    response.writeHead(200, { ...held, "x-kong-upstream-latency": "3" }).end("hello");
    this.isAwake = true;
    this.#coldStarts += 1;
  }
}

let gateway: GatewayStandIn;
beforeEach(async () => {
  gateway = await new GatewayStandIn().start();
});
afterEach(() => gateway.stop());

const trace = async (...options: string[]) => {
  const { stdout, code } = await runCli(["trace", gateway.url, "--json", ...options]);
  return { code, ...(JSON.parse(stdout) as Trace) };
};

describe("trace", () => {
  test("shows a cold start stage by stage, and a warm request without one", async () => {
    const cold = await trace();
    expect(cold).toMatchObject({ ok: true, code: 0, status: 200, isColdStart: true });
    expect(cold.stages).toContainEqual({ stage: "held, backend starting", durationMs: 1540 });
    expect(cold.stages).toContainEqual({ stage: "backend", durationMs: 3 });
    expect(cold.serverTiming).toEqual([{ name: "hold", durationMs: 1540, description: "cold start" }]);
    const warm = await trace();
    expect(warm.isColdStart).toBe(false);
    expect(warm.stages.map(({ stage }) => stage)).toEqual([
      "connect",
      "request sent",
      "gateway and network",
      "backend",
      "body",
    ]);
  });

  test("adds what the plugin server measured meanwhile", async () => {
    const opsUrl = gateway.url;
    expect((await trace("--ops-url", opsUrl)).pluginServer).toEqual([
      { stage: "demo wake", durationMs: 40 },
      { stage: "demo start", durationMs: 1500 },
    ]);
    expect((await trace("--ops-url", opsUrl)).pluginServer).toEqual([]);
  });

  test("shows a refusal's code, and exits 1", async () => {
    gateway.refuses = true;
    const { code, stdout } = await runCli(["trace", gateway.url]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/503 in .* ms, warm[^]*HOLD_TIMEOUT: It was held\.\nRetry in 2 s\./);
  });

  test("sends the method and headers that it is given", async () => {
    await trace("--method", "POST", "--header", "Authorization: Bearer a:b", "--header", "x-one: 1");
    const [received] = gateway.received;
    expect(received?.method).toBe("POST");
    expect(received?.headers).toMatchObject({ authorization: "Bearer a:b", "x-one": "1" });
  });

  test("says how far a request got that was not answered", async () => {
    gateway.isSilent = true;
    await expect(trace("--timeout", "0.2")).rejects.toThrow(
      /no answer within 200 ms; it came as far as: sent/,
    );
    await gateway.stop();
    await expect(trace()).rejects.toMatchObject({ code: "TRACE_FAILED" });
  });
});

describe("parseServerTiming", () => {
  test.each([
    ["", []],
    ["cache", [{ name: "cache" }]],
    [
      'a;dur=1.5;desc="x, \\"y\\"; z", b;DUR=2',
      [
        { name: "a", durationMs: 1.5, description: 'x, "y"; z' },
        { name: "b", durationMs: 2 },
      ],
    ],
    ["a;dur=soon", [{ name: "a" }]],
    [";;,=,", []],
  ])("reads %s", (header, expected) => {
    expect(parseServerTiming(header)).toEqual(expected);
  });
});

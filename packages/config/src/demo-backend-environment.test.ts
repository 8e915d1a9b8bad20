import { describe, expect, test } from "vitest";

import { readDemoBackendEnvironment } from "./demo-backend-environment.ts";

const GATEWAY_URL = "http://gateway";

describe("readDemoBackendEnvironment", () => {
  test("needs only the gateway's address", () => {
    expect(readDemoBackendEnvironment({ GATEWAY_URL })).toMatchObject({
      GATEWAY_URL,
      PORT: 8080,
      STARTUP_DELAY_MS: 0,
      JOBS_TOPIC: "jobs",
      daprEndpoint: "http://127.0.0.1:3500",
    });
  });

  test("takes the sidecar's port, and its endpoint before that", () => {
    const port = { GATEWAY_URL, DAPR_HTTP_PORT: "4500" };
    expect(readDemoBackendEnvironment(port).daprEndpoint).toBe("http://127.0.0.1:4500");
    const both = { ...port, DAPR_HTTP_ENDPOINT: "https://dapr.example:443" };
    expect(readDemoBackendEnvironment(both).daprEndpoint).toBe("https://dapr.example:443");
  });

  test("drops the gateway address's last slash, so that paths can follow it", () => {
    expect(readDemoBackendEnvironment({ GATEWAY_URL: "http://gateway/base/" }).GATEWAY_URL).toBe(
      "http://gateway/base",
    );
  });

  test.each([
    [{}, "GATEWAY_URL: missing"],
    [{ GATEWAY_URL: "gateway" }, 'GATEWAY_URL: found "gateway"'],
    [{ GATEWAY_URL, PORT: "http" }, 'PORT: found "http"; expected a whole number'],
    [{ GATEWAY_URL, PORT: "65536" }, "PORT"],
    [{ GATEWAY_URL, STARTUP_DELAY_MS: "1e3" }, "STARTUP_DELAY_MS"],
    [{ GATEWAY_URL, DAPR_HTTP_ENDPOINT: "grpc://127.0.0.1" }, "DAPR_HTTP_ENDPOINT"],
    [{ GATEWAY_URL, LOG_LEVEL: "loud" }, "LOG_LEVEL"],
  ])("names the variable at fault: %j -> %s", (environment, message) => {
    expect(() => readDemoBackendEnvironment(environment)).toThrow(message);
  });
});

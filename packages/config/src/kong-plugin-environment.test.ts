import { expect, test } from "vitest";

import { readKongPluginEnvironment } from "./kong-plugin-environment.ts";

test("the scaler is off unless it has a port", () => {
  expect(readKongPluginEnvironment({})).not.toHaveProperty("SCALER_PORT");
});

test("the scaler's peers are a list of addresses", () => {
  const environment = { SCALER_PORT: "8091", SCALER_PEERS: "gateway.kong.svc:8091, [fd00::1]:8091" };
  expect(readKongPluginEnvironment(environment).SCALER_PEERS).toEqual([
    "gateway.kong.svc:8091",
    "[fd00::1]:8091",
  ]);
});

test.each([
  [
    "peers without a port of its own",
    { SCALER_PEERS: "gateway:8091" },
    "SCALER_PORT: missing (SCALER_PEERS needs it)",
  ],
  ["a peer without a port", { SCALER_PORT: "8091", SCALER_PEERS: "gateway" }, "SCALER_PEERS"],
  [
    "a certificate without its key",
    { SCALER_PORT: "8091", SCALER_TLS_CERT_FILE: "/tls.crt" },
    "SCALER_TLS_KEY_FILE: missing (SCALER_TLS_CERT_FILE needs it)",
  ],
  [
    "an authority without a certificate to serve with",
    { SCALER_PORT: "8091", SCALER_TLS_CA_FILE: "/ca.crt" },
    "SCALER_TLS_CERT_FILE: missing (SCALER_TLS_CA_FILE needs it)",
  ],
])("%s is refused", (_, environment, message) => {
  expect(() => readKongPluginEnvironment(environment)).toThrow(message);
});

test.each([
  [{}, "https://kubernetes.default.svc:443"],
  [{ KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "6443" }, "https://10.96.0.1:6443"],
  [{ KUBERNETES_SERVICE_HOST: "fd00::1" }, "https://[fd00::1]:443"],
  [
    { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_API_URL: "http://127.0.0.1:8001" },
    "http://127.0.0.1:8001",
  ],
])("with %j the API server is at %s", (environment, url) => {
  expect(readKongPluginEnvironment(environment).kubernetesApiUrl).toBe(url);
});

import { Activator } from "@kong-serverless/activator";
import { readKongPluginEnvironment } from "@kong-serverless/config";
import { RecordingLog } from "@kong-serverless/testing";
import { expect, test } from "vitest";

import { startScaler } from "./scaler.ts";

const activator = new Activator({
  publishWake: () => Promise.resolve(),
  probe: () => Promise.resolve({ isReady: true, durationMs: 1 }),
  observe: () => {},
});

test("there is no scaler unless it has a port", async () => {
  expect(await startScaler(readKongPluginEnvironment({}), activator, new RecordingLog())).toBeUndefined();
});

test("a certificate that cannot be read is named, with its variable", async () => {
  const file = "/nowhere/tls.crt";
  const environment = { SCALER_PORT: "0", SCALER_TLS_CERT_FILE: file, SCALER_TLS_KEY_FILE: file };
  await expect(
    startScaler(readKongPluginEnvironment(environment), activator, new RecordingLog()),
  ).rejects.toThrow(`SCALER_TLS_CERT_FILE: found "${file}"; it cannot be read (ENOENT)`);
});

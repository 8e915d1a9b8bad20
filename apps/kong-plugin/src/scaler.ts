import { readFileSync } from "node:fs";

import type { Activator } from "@kong-serverless/activator";
import { ConfigError, type KongPluginEnvironment } from "@kong-serverless/config";
import type { ScalerServer, ScalerTls } from "@kong-serverless/keda-scaler";
import type { Log } from "@kong-serverless/runtime";

/** Starts the external scaler if it has a port. gRPC is loaded only then, since it costs memory. */
export async function startScaler(
  environment: KongPluginEnvironment,
  activator: Activator,
  log: Log,
): Promise<ScalerServer | undefined> {
  const { SCALER_PORT, SCALER_HOST, SCALER_PEERS = [] } = environment;
  if (SCALER_PORT === undefined) return undefined;
  const tls = readTls(environment);
  const { ScalerServer: Server } = await import("@kong-serverless/keda-scaler");
  const scaler = new Server({
    host: SCALER_HOST,
    port: SCALER_PORT,
    peers: SCALER_PEERS,
    ...(tls && { tls }),
    demand: (backend) => {
      const { held, inFlight, chained } = activator.demand(backend);
      return held + inFlight + chained;
    },
    log,
  });
  const scalerPort = await scaler.start();
  log.info({ scalerPort, isSecure: tls !== undefined }, "scaler.started");
  return scaler;
}

function readTls(environment: KongPluginEnvironment): ScalerTls | undefined {
  const { SCALER_TLS_CERT_FILE, SCALER_TLS_KEY_FILE, SCALER_TLS_CA_FILE } = environment;
  if (SCALER_TLS_CERT_FILE === undefined || SCALER_TLS_KEY_FILE === undefined) return undefined;
  return {
    certificate: readPem("SCALER_TLS_CERT_FILE", SCALER_TLS_CERT_FILE),
    key: readPem("SCALER_TLS_KEY_FILE", SCALER_TLS_KEY_FILE),
    ...(SCALER_TLS_CA_FILE !== undefined && {
      authority: readPem("SCALER_TLS_CA_FILE", SCALER_TLS_CA_FILE),
    }),
  };
}

function readPem(variable: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError("The environment", [
      `${variable}: found "${path}"; it cannot be read (${(error as NodeJS.ErrnoException).code})`,
    ]);
  }
}

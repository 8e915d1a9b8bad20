import type { ConfiguredBackend, Place } from "@kong-serverless/manifests";

/** The field that sets how long a backend's requests are held. */
export function holdPlace({ config }: ConfiguredBackend): Place {
  const count = config.at("count");
  return config.at("holdTimeoutMs").exists || !count.exists ? config.at("holdTimeoutMs") : count;
}

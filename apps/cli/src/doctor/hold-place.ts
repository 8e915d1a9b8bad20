import type { Backend, Place } from "@kong-serverless/manifests";

/** Where a configuration says for how long it holds. */
export function holdPlace({ config }: Backend): Place {
  const count = config.at("count");
  return config.at("holdTimeoutMs").exists || !count.exists ? config.at("holdTimeoutMs") : count;
}

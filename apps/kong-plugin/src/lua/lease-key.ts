import { createHash } from "node:crypto";

import type { BackendSettings } from "@kong-serverless/config";

const keys = new WeakMap<BackendSettings, string>();

/**
 * Names a backend with its present settings: what a gateway's lease is for. With other settings it is another backend, perhaps
 * at another address, and no lease of the former one counts.
 */
export function leaseKey(settings: BackendSettings): string {
  let key = keys.get(settings);
  if (key === undefined) {
    const digest = createHash("sha256").update(JSON.stringify(settings)).digest("hex");
    key = `${settings.name}.${digest.slice(0, 12)}`;
    keys.set(settings, key);
  }
  return key;
}

export function nameIn(key: string): string {
  return key.slice(0, key.lastIndexOf("."));
}

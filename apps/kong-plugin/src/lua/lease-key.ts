import { createHash } from "node:crypto";

import type { BackendSettings } from "@kong-serverless/config";

const keys = new WeakMap<BackendSettings, string>();

/**
 * Identifies a backend with its current settings, which is what a lease is for: with other settings it may be at another
 * address, so that old leases are void.
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

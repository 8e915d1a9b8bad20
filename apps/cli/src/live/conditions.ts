import type { Manifest, Place } from "@kong-serverless/manifests";

/** A condition in an object's status. */
export function condition({ root }: Manifest, type: string): Place | undefined {
  return root.at("status", "conditions").items.find((candidate) => candidate.at("type").text === type);
}

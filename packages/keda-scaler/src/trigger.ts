import { status } from "@grpc/grpc-js";

import type { ScaledObjectRef } from "./externalscaler_pb.ts";

/** What an `external-push` trigger asks for in its metadata. */
export interface Trigger {
  /** Tells triggers apart: `namespace/name/backend`. */
  readonly key: string;
  readonly backend: string;
  /** Requests per replica. */
  readonly targetValue: number;
}

/** Held and in-flight requests per replica, unless the trigger says otherwise. */
const defaultTargetValue = 10;

/** Three of Kubernetes' longest names. */
const maxKeyLength = 3 * 253;

/** An error that gRPC passes on to the caller. */
class InvalidTrigger extends Error {
  readonly code = status.INVALID_ARGUMENT;
}

/** Reads a trigger's metadata: `backend` (default: the ScaledObject's name) and `targetValue`. */
export function readTrigger(reference: ScaledObjectRef | undefined): Trigger {
  const { name = "", namespace = "", scalerMetadata = {} } = reference ?? {};
  const { backend = name, targetValue = String(defaultTargetValue) } = scalerMetadata;
  if (backend === "") throw new InvalidTrigger("metadata.backend: found nothing; allowed: a backend's name");
  const key = `${namespace}/${name}/${backend}`;
  if (key.length > maxKeyLength)
    throw new InvalidTrigger(`names of ${key.length} characters; allowed: ${maxKeyLength} in all`);
  const target = Number(targetValue);
  if (!(target > 0 && target < Infinity)) {
    throw new InvalidTrigger(`metadata.targetValue: found "${targetValue}"; allowed: a number above 0`);
  }
  return { key, backend, targetValue: target };
}

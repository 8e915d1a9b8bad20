import type { Activator, Backend, Owner, Registration } from "@kong-serverless/activator";
import type { MatchedBackend } from "@kong-serverless/config";

export interface Claims {
  readonly backends: readonly { readonly matched: MatchedBackend; readonly backend: Backend }[];
  readonly release: () => void;
}

/** Registers all backends of a plugin instance, or none: fails with BACKEND_CONFLICT. */
export function claimBackends(
  activator: Activator,
  backends: readonly MatchedBackend[],
  owner: Owner,
): Claims {
  const registrations: Registration[] = [];
  const release = () => {
    for (const registration of registrations) registration.release();
  };
  try {
    const claimed = backends.map((matched) => {
      const registration = activator.register(matched.settings, owner);
      registrations.push(registration);
      return { matched, backend: registration.backend };
    });
    return { backends: claimed, release };
  } catch (error) {
    release();
    throw error;
  }
}

import type { Activator } from "@kong-serverless/activator";
import type { OpsServerOptions } from "@kong-serverless/runtime";

/**
 * `GET /demand/{name}` for KEDA's `metrics-api` trigger: a backend's requests, held and in flight; backends in use that need
 * it count as one. Zeros for an unknown name, since an error would keep the scaler from going to zero.
 */
export function demandRoutes(activator: Activator): NonNullable<OpsServerOptions["routes"]> {
  return (app) => {
    app.get("/demand/:name", (c) => {
      const backend = c.req.param("name");
      const { held, inFlight, chained } = activator.demand(backend);
      return c.json({ backend, held, inFlight, chained, demand: held + inFlight + chained });
    });
  };
}

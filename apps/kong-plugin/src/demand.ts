import type { Activator } from "@kong-serverless/activator";
import type { OpsServerOptions } from "@kong-serverless/runtime";

/**
 * `GET /demand/{name}` for KEDA's `metrics-api` trigger: how many requests a backend has, held and in flight; others that
 * are used and need it count as one. Zeros for a name that no request has come by yet: an error there would keep the scaler
 * from going to zero.
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

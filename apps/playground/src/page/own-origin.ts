import type { MiddlewareHandler } from "hono";

/**
 * Refuses what other sites' pages may have caused: a Host that is not this server's own name on loopback (DNS rebinding), and an
 * Origin that is not its own. What acts must name its Origin, as browsers do for every POST.
 */
export function ownOrigin(port: () => number): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header("host");
    const isOwnHost = [`127.0.0.1:${port()}`, `localhost:${port()}`].includes(host ?? "");
    const origin = c.req.header("origin");
    const isOwnOrigin = origin === undefined ? c.req.method === "GET" : origin === `http://${host}`;
    if (!isOwnHost || !isOwnOrigin) {
      return c.json({ message: "Only this page itself may ask that of the playground." }, 403);
    }
    return next();
  };
}

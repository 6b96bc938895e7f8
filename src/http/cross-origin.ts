import type { FastifyInstance } from "fastify";

/** Preflights are remembered by browsers for this long. */
const maxAgeSeconds = 600;

/**
 * Lets pages of the listed origins read answers; with none, which is the default, browsers refuse
 * every page but our own. Cookies never count across origins: such pages bring a token.
 */
export function allowOrigins(app: FastifyInstance, origins: ReadonlySet<string>): void {
  if (origins.size === 0) return;
  app.addHook("onRequest", async (request, reply) => {
    const { origin } = request.headers;
    reply.header("Vary", "Origin");
    if (origin === undefined || !origins.has(origin)) return undefined;
    reply
      .header("Access-Control-Allow-Origin", origin)
      .header("Access-Control-Expose-Headers", "Retry-After");
    const isPreflight =
      request.method === "OPTIONS" &&
      request.headers["access-control-request-method"] !== undefined;
    if (!isPreflight) return undefined;
    return reply
      .header("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
      .header(
        "Access-Control-Allow-Headers",
        "Authorization, Content-Type, X-Scope-OrgID, X-Loki-Response-Encoding-Flags, X-Query-Tags",
      )
      .header("Access-Control-Max-Age", String(maxAgeSeconds))
      .code(204)
      .send();
  });
}

import { sendPieces } from "./respond.ts";
import { route } from "./routing.ts";
import type { RouteFamily } from "./server.ts";

/** A query that has ended, as the frontend remembers it. */
export interface EndedQuery {
  readonly tenants: readonly string[];
  readonly text: string;
  readonly kind: string;
  readonly atMs: number;
  readonly durationMs: number;
  readonly queueMs: number;
  readonly bytes: number;
  readonly lines: number;
  readonly error: string | undefined;
}

/** `slow-queries`: the slowest of the last hour over all tenants, for operators. Not in Loki. */
export function slowQueriesRoutes(slowest: () => readonly EndedQuery[]): RouteFamily {
  return (app) => {
    route(
      app,
      ["GET", "HEAD"],
      "/skald/api/v1/slow-queries",
      async (_request, reply) =>
        sendPieces(
          reply.header("Content-Type", "application/json"),
          `${JSON.stringify({ queries: slowest().map(queryOf) })}\n`,
        ),
      { kind: "admin" },
    );
  };
}

function queryOf(query: EndedQuery): Readonly<Record<string, unknown>> {
  const { tenants, text, kind, atMs, durationMs, queueMs, bytes, lines, error } = query;
  return {
    tenant: tenants.join("|"),
    query: text,
    kind,
    at: new Date(atMs).toISOString(),
    seconds: durationMs / 1000,
    queue_seconds: queueMs / 1000,
    bytes,
    lines,
    ...(error === undefined ? {} : { error }),
  };
}

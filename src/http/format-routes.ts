import { RequestError } from "#base";
import { formatQuery, parseQuery } from "#logql";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parametersOf } from "./parameters.ts";
import { sendPieces } from "./respond.ts";
import { route } from "./routing.ts";

/** `format_query` needs no tenant: it looks at no data. */
export function formatRoutes(app: FastifyInstance): void {
  route(app, ["GET", "POST"], "/loki/api/v1/format_query", format, { kind: "admin" });
}

function format(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  reply.header("Content-Type", "application/json; charset=utf-8");
  try {
    const expr = parseQuery(parametersOf(request).get("query"), { checkStages: false });
    const data = formatQuery(expr);
    return sendPieces(reply, JSON.stringify({ status: "success", data }));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const answer = { status: "invalid-query", error: error.message };
    return sendPieces(reply.code(error.status), JSON.stringify(answer));
  }
}

import type { DeleteApi, DeleteRequest } from "#lifecycle";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { sendPieces } from "./respond.ts";
import { refuseOthers } from "./routing.ts";
import type { RouteFamily } from "./server.ts";
import { tenantOf } from "./tenants.ts";

/** Loki's delete API, and `/skald/api/v1/deletes`, which also tells how far erasing has come. */
export function deleteRoutes(deletes: DeleteApi): RouteFamily {
  return (app, ports) => {
    for (const path of ["/loki/api/v1/delete", "/loki/api/admin/delete"]) {
      deleteRoute(app, path, { deletes, ports });
    }
    cancelRoute(app, { deletes, ports });
    readRoute(app, "/loki/api/v1/cache/generation_numbers", ports, async (tenant, _, reply) => {
      const generation = await deletes.cacheGeneration(tenant);
      return sendPieces(jsonReply(reply), `${JSON.stringify(generation)}\n`);
    });
    readRoute(app, "/skald/api/v1/deletes", ports, async (tenant, request, reply) => {
      const parameters = parametersOf(request);
      const [start, end] = [parameters.get("start"), parameters.get("end")];
      const found = await deletes.list(tenant, { start, end });
      return sendPieces(jsonReply(reply), `${JSON.stringify({ deletes: found.map(statusOf) })}\n`);
    });
  };
}

interface Serving {
  readonly deletes: DeleteApi;
  readonly ports: HttpPorts;
}

function deleteRoute(app: FastifyInstance, path: string, { deletes, ports }: Serving): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const tenant = tenantOf(request, ports);
    const parameters = parametersOf(request);
    const [start, end] = [parameters.get("start"), parameters.get("end")];
    if (request.method === "GET") {
      const found = await deletes.list(tenant, { start, end });
      return sendPieces(jsonReply(reply), `${JSON.stringify(found.map(lokiStatusOf))}\n`);
    }
    if (request.method === "DELETE") return cancel(deletes, tenant, { request, reply });
    const query = parameters.get("query");
    const maxInterval = parameters.get("max_interval");
    const { id } = await deletes.create(tenant, { query, start, end, maxInterval });
    // Not the query: it may name the very secret that is to go.
    ports.log.info("delete request taken", { tenant, id });
    return reply.code(204).send();
  };
  const methods = ["GET", "POST", "PUT", "DELETE"] as const;
  app.route({ method: [...methods], url: path, config: { kind: "read" }, handler });
  refuseOthers(app, methods, path);
}

/** How older clients cancel. */
function cancelRoute(app: FastifyInstance, { deletes, ports }: Serving): void {
  const path = "/loki/api/admin/cancel_delete_request";
  const methods = ["POST", "PUT"] as const;
  app.route({
    method: [...methods],
    url: path,
    config: { kind: "read" },
    handler: async (request: FastifyRequest, reply: FastifyReply) =>
      cancel(deletes, tenantOf(request, ports), { request, reply }),
  });
  refuseOthers(app, methods, path);
}

async function cancel(
  deletes: DeleteApi,
  tenant: string,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): Promise<FastifyReply> {
  const parameters = parametersOf(request);
  const force = parameters.get("force") === "true";
  await deletes.cancel(tenant, parameters.get("request_id"), force);
  return reply.code(204).send();
}

function readRoute(
  app: FastifyInstance,
  path: string,
  ports: HttpPorts,
  answer: (tenant: string, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
): void {
  app.route({
    method: ["GET", "HEAD"],
    url: path,
    config: { kind: "read" },
    handler: async (request: FastifyRequest, reply: FastifyReply) =>
      answer(tenantOf(request, ports), request, reply),
  });
  refuseOthers(app, ["GET", "HEAD"], path);
}

function jsonReply(reply: FastifyReply): FastifyReply {
  return reply.header("Content-Type", "application/json");
}

/** As Loki answers: times in seconds, the tenant left out. */
function lokiStatusOf(request: DeleteRequest): Readonly<Record<string, unknown>> {
  return {
    request_id: request.id,
    start_time: request.startMs / 1000,
    end_time: request.endMs / 1000,
    query: request.query,
    status: request.state === "gone" ? "processed" : "received",
    created_at: request.createdMs / 1000,
    user_id: "",
  };
}

/** Times as RFC 3339; what is not known yet is left out. */
function statusOf(request: DeleteRequest): Readonly<Record<string, unknown>> {
  const { erasedMs, goneMs } = request;
  return {
    request_id: request.id,
    query: request.query,
    start: timeText(request.startMs),
    end: timeText(request.endMs),
    created_at: timeText(request.createdMs),
    state: request.state,
    erased_lines: request.erased.lines,
    erased_bytes: request.erased.bytes,
    ...(erasedMs === undefined ? {} : { erased_at: timeText(erasedMs) }),
    ...(goneMs === undefined ? {} : { last_byte_gone_at: timeText(goneMs) }),
  };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

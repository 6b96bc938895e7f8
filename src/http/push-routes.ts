import { RequestError } from "#base";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { HttpPorts, PushRequest } from "./ports.ts";
import { route } from "./routing.ts";
import { tenantOf } from "./tenants.ts";

/** Everything that takes logs in: Loki's push, its first version, and OTLP over HTTP. */
export function pushRoutes(app: FastifyInstance, ports: HttpPorts): void {
  const take = (path: string, kind: PushRequest["kind"]): void =>
    route(app, ["POST"], path, (request, reply) => push(request, reply, ports, kind));
  take("/loki/api/v1/push", "loki");
  take("/api/prom/push", "loki-v0");
  take("/otlp/v1/logs", "otlp");
}

async function push(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
  kind: PushRequest["kind"],
): Promise<FastifyReply> {
  if (ports.admin.isStopping()) {
    throw new RequestError(503, "the server is shutting down", { retryAfterSeconds: 5 });
  }
  const tenant = tenantOf(request, ports);
  const encoding = request.headers["content-encoding"];
  const answer = await ports.push.push({
    tenant,
    kind,
    contentType: request.headers["content-type"],
    contentEncoding: Array.isArray(encoding) ? encoding[0] : encoding,
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
  });
  reply.code(answer.status);
  if (answer.contentType !== undefined) reply.header("Content-Type", answer.contentType);
  return answer.status === 204 ? reply.send() : reply.send(answer.body);
}

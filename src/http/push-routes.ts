import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { contentTypeOf } from "./content-type.ts";
import type { HttpPorts, PushRequest } from "./ports.ts";
import { PushAdmission, type PushPlace } from "./push-admission.ts";
import type { PushTurns } from "./push-turns.ts";
import { route } from "./routing.ts";
import { tenantOf } from "./tenants.ts";
import { Newcomers } from "#world";

/** Everything that takes logs in: Loki's push, its first version, and OTLP over HTTP. */
export function pushRoutes(app: FastifyInstance, ports: HttpPorts): void {
  const bodyBytesMax = app.initialConfig.bodyLimit ?? 0;
  const places = new WeakMap<FastifyRequest, PushPlace>();
  const newcomers = ports.newcomers ?? new Newcomers(ports.clock);
  const admission = ports.admission ?? new PushAdmission({ ...ports, newcomers });
  app.server.on("connection", () => newcomers.come());
  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.config.kind !== "push") return;
    // A client that is gone already would never give its place back.
    if (reply.raw.destroyed) return;
    const length = Number(request.headers["content-length"]);
    const announced = Number.isSafeInteger(length) ? Math.min(length, bodyBytesMax) : undefined;
    const place = admission.admit(tenantOf(request, ports), announced);
    reply.raw.once("close", place.leave);
    places.set(request, place);
  });
  const take = (path: string, kind: PushRequest["kind"]): void =>
    route(
      app,
      ["POST"],
      path,
      (request, reply) => {
        places.get(request)?.arrived();
        return push(request, reply, { ports, turns: admission.turns, kind });
      },
      {
        kind: "push",
        bodyBytesMax,
      },
    );
  take("/loki/api/v1/push", "loki");
  take("/api/prom/push", "loki-v0");
  take("/otlp/v1/logs", "otlp");
}

async function push(
  request: FastifyRequest,
  reply: FastifyReply,
  how: {
    readonly ports: HttpPorts;
    readonly turns: PushTurns;
    readonly kind: PushRequest["kind"];
  },
): Promise<FastifyReply> {
  const { ports, turns, kind } = how;
  const tenant = tenantOf(request, ports);
  const encoding = request.headers["content-encoding"];
  const pushed: PushRequest = {
    tenant,
    kind,
    contentType: contentTypeOf(request),
    contentEncoding: Array.isArray(encoding) ? encoding[0] : encoding,
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
  };
  const arrived = { tenant, bytes: pushed.body.length };
  const answer = await turns.take(arrived, () => ports.push.push(pushed));
  reply.code(answer.status);
  if (answer.status === 204) return reply.send();
  // Rates fill up by the second; clients that know the header come back then, others as they always did.
  if (answer.status === 429) reply.header("Retry-After", "1");
  if (answer.contentType !== undefined) reply.header("Content-Type", answer.contentType);
  return reply.header("X-Content-Type-Options", "nosniff").send(answer.body);
}

import { type LogLevel, logLevels } from "#telemetry";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { route } from "./routing.ts";
import { tenantOf } from "./tenants.ts";

/** What an operator tells the process to do. */
export function adminRoutes(app: FastifyInstance, ports: HttpPorts): void {
  const flush = async (_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await ports.admin.flush();
    return reply.code(204).send();
  };
  const flushTenant = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    await ports.admin.flush(tenantOf(request, ports));
    return reply.code(204).send();
  };
  route(app, ["GET", "POST"], "/flush", flush, { kind: "read" });
  route(app, ["GET", "POST"], "/flush/tenant", flushTenant, { kind: "read" });
  route(
    app,
    ["GET", "POST"],
    "/log_level",
    async (request, reply) =>
      request.method === "GET"
        ? sendMessage(reply, { message: `Current log level is ${ports.log.level}` })
        : setLevel(request, reply, ports),
    { kind: "admin" },
  );
}

function setLevel(request: FastifyRequest, reply: FastifyReply, ports: HttpPorts): FastifyReply {
  const text = parametersOf(request).get("log_level");
  const level = logLevels.find((known): known is LogLevel => known === text);
  if (level === undefined) {
    const message = `unrecognized log level ${JSON.stringify(text)}`;
    return sendMessage(reply.code(400), { status: "failed", message });
  }
  ports.log.level = level;
  ports.log.info("log level changed", { level });
  return sendMessage(reply, { status: "success", message: `Log level set to ${level}` });
}

function sendMessage(reply: FastifyReply, answer: Readonly<Record<string, string>>): FastifyReply {
  return reply
    .header("Content-Type", "application/json; charset=utf-8")
    .send(JSON.stringify(answer));
}

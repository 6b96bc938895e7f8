import { RequestError } from "#base";
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
  const stop = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    shutDown(request, reply, ports);
  route(app, ["GET", "POST"], "/ingester/shutdown", stop, { kind: "read" });
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

/**
 * Writes what is in memory to the store unless `flush=false`, answers, and ends the process unless
 * `terminate=false`. Only with a token file: else anybody who can connect could end it.
 */
async function shutDown(
  request: FastifyRequest,
  reply: FastifyReply,
  { access, admin, log }: HttpPorts,
): Promise<FastifyReply> {
  const { terminate } = admin;
  if (access === undefined || terminate === undefined) {
    throw new RequestError(403, "only with skald.token_file; send the process SIGTERM instead");
  }
  const parameters = parametersOf(request);
  const wants = (name: string): boolean => {
    const text = parameters.get(name) || "true";
    if (text !== "true" && text !== "false") {
      throw new RequestError(400, `${name} is true or false`);
    }
    return text === "true";
  };
  const [flushes, ends] = [wants("flush"), wants("terminate")];
  if (flushes) await admin.flush();
  if (ends) {
    log.info("asked to shut down");
    reply.raw.once("close", terminate);
  }
  return reply.code(204).send();
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

import type { FastifyInstance, FastifyReply } from "fastify";
import { parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { sendPieces } from "./respond.ts";
import { route } from "./routing.ts";
import { sendText } from "./server.ts";

const admin = { kind: "admin" } as const;
const yamlType = "text/plain; charset=utf-8";

/** What the process says about itself; none of it needs a tenant. */
export function statusRoutes(app: FastifyInstance, ports: HttpPorts): void {
  route(app, ["GET"], "/ready", async (_request, reply) => ready(reply, ports), admin);
  route(app, ["GET"], "/metrics", async (_request, reply) => metrics(reply, ports), admin);
  route(app, ["GET"], "/services", async (_request, reply) => services(reply, ports), admin);
  route(
    app,
    ["GET"],
    "/loki/api/v1/status/buildinfo",
    async (_request, reply) => buildInfo(reply, ports),
    admin,
  );
  route(
    app,
    ["GET"],
    "/config",
    async (request, reply) => {
      const mode = parametersOf(request).get("mode");
      const isKnown = mode === "diff" || mode === "defaults";
      return sendYaml(reply, ports.admin.configYaml(isKnown ? mode : "full"));
    },
    admin,
  );
  route(
    app,
    ["GET"],
    "/runtime_config",
    async (request, reply) => {
      const mode = parametersOf(request).get("mode") === "diff" ? "diff" : "full";
      return sendYaml(reply, ports.admin.runtimeConfigYaml(mode));
    },
    admin,
  );
}

function ready(reply: FastifyReply, ports: HttpPorts): FastifyReply {
  const reason = ports.admin.notReady();
  if (reason === undefined) {
    const lines = ["ready", ...(ports.admin.troubles?.() ?? [])];
    return reply
      .header("Content-Type", "text/plain; charset=utf-8")
      .send(lines.map((line) => `${line}\n`).join(""));
  }
  return sendText(reply.header("Retry-After", "1"), 503, reason);
}

async function metrics(reply: FastifyReply, ports: HttpPorts): Promise<FastifyReply> {
  reply.header("Content-Type", ports.metrics.contentType);
  return sendPieces(reply, await ports.metrics.text());
}

function services(reply: FastifyReply, ports: HttpPorts): FastifyReply {
  const lines = ports.admin.services().map(({ name, state }) => `${name} => ${state}\n`);
  return reply.header("Content-Type", "text/plain; charset=utf-8").send(lines.join(""));
}

function buildInfo(reply: FastifyReply, { build }: HttpPorts): FastifyReply {
  const info = {
    version: build.version,
    revision: build.revision,
    branch: build.branch,
    buildUser: "",
    buildDate: build.buildDate,
    // Loki's field; clients show it as the language version.
    goVersion: `node ${process.version}`,
  };
  return reply.header("Content-Type", "application/json").send(JSON.stringify(info));
}

function sendYaml(reply: FastifyReply, yaml: string): Promise<FastifyReply> {
  return sendPieces(reply.header("Content-Type", yamlType), yaml);
}

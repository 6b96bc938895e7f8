import { RequestError } from "#base";
import type { FastifyInstance } from "fastify";
import type { HttpPorts } from "./ports.ts";
import { route } from "./routing.ts";
import { sendJson } from "./server.ts";
import { tenantOf } from "./tenants.ts";

/**
 * What Grafana probes to learn which rules there are. Skald evaluates no rules yet, so every tenant has none; the answers are
 * those of a ruler without rules, and nothing can be written.
 */
export function rulesRoutes(app: FastifyInstance, ports: HttpPorts): void {
  for (const path of ["/loki/api/v1/rules", "/api/prom/rules"]) {
    route(app, ["GET"], path, async (request) => {
      tenantOf(request, ports);
      throw new RequestError(404, "no rule groups found");
    });
  }
  const empty = { rules: "groups", alerts: "alerts" } as const;
  for (const [name, field] of Object.entries(empty)) {
    route(app, ["GET"], `/prometheus/api/v1/${name}`, async (request, reply) => {
      tenantOf(request, ports);
      const data = `{"${field}":[]}`;
      return sendJson(reply, `{"status":"success","data":${data},"errorType":"","error":""}`);
    });
  }
}

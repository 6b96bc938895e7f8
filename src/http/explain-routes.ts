import type { FastifyInstance } from "fastify";
import { parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { limitsFor } from "./query-limits.ts";
import { instantRequest, rangeRequest } from "./query-routes.ts";
import { route } from "./routing.ts";
import { goneSignal, sendJson } from "./server.ts";
import { tenantsOf } from "./tenants.ts";

/**
 * `explain`: what `query_range` (or with `time`, `query`) of the same parameters would read. Not in
 * Loki.
 */
export function explainRoutes(app: FastifyInstance, ports: HttpPorts): void {
  route(app, ["GET", "POST"], "/skald/api/v1/explain", async (request, reply) => {
    const tenants = tenantsOf(request, ports);
    const parameters = parametersOf(request);
    const read = parameters.get("time") === "" ? rangeRequest : instantRequest;
    const data = await ports.explainer.explain({
      ...read(parameters, ports),
      tenants,
      text: parameters.get("query"),
      limits: limitsFor(request, tenants, ports.limits),
      signal: goneSignal(reply),
    });
    return sendJson(reply, JSON.stringify({ status: "success", data }));
  });
}

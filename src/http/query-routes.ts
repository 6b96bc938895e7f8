import { RequestError } from "#base";
import type { QueryRequest } from "#query";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { encodingFlags } from "./encoding-flags.ts";
import { queryJson } from "./encode-query.ts";
import { type Parameters, parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { cachingOf } from "./caching.ts";
import { limitsFor } from "./query-limits.ts";
import { route } from "./routing.ts";
import { goneSignal, sendJson } from "./server.ts";
import { tenantsOf } from "./tenants.ts";
import { parseBounds, parseStep, parseTime } from "./times.ts";

const limitDefault = 100;

/** `query` and `query_range`, GET or POST form. */
export function queryRoutes(app: FastifyInstance, ports: HttpPorts): void {
  route(app, ["GET", "POST"], "/loki/api/v1/query_range", (request, reply) =>
    answer(request, reply, ports, rangeRequest),
  );
  route(app, ["GET", "POST"], "/loki/api/v1/query", (request, reply) =>
    answer(request, reply, ports, instantRequest),
  );
}

/** What a client asks, without who it is. */
export type Ask = Pick<
  QueryRequest,
  "kind" | "fromNs" | "toNs" | "stepNs" | "intervalNs" | "limit" | "direction"
>;

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
  read: (parameters: Parameters, ports: HttpPorts) => Ask,
): Promise<FastifyReply> {
  const tenants = tenantsOf(request, ports);
  const parameters = parametersOf(request);
  const flags = encodingFlags(request);
  const result = await ports.engine.run({
    ...read(parameters, ports),
    tenants,
    text: parameters.get("query"),
    ...readExtensions(parameters),
    categorizeLabels: flags.categorize,
    limits: limitsFor(request, tenants, ports.limits),
    signal: goneSignal(reply),
    ...cachingOf(request),
  });
  return sendJson(reply, queryJson(result, flags));
}

/** Throws RequestError 400 in Loki's words. */
export function rangeRequest(parameters: Parameters, ports: HttpPorts): Ask {
  const { startNs, endNs } = parseBounds(parameters, ports.clock);
  const common = { limit: readLimit(parameters), direction: readDirection(parameters) };
  const stepNs = parseStep(parameters.get("step"));
  const intervalNs = parseStep(parameters.get("interval")) ?? 0n;
  if (intervalNs < 0n) throw new RequestError(400, "interval must be >= 0");
  return { kind: "range", fromNs: startNs, toNs: endNs, stepNs, intervalNs, ...common };
}

export function instantRequest(parameters: Parameters, ports: HttpPorts): Ask {
  const limit = readLimit(parameters);
  const timeNs = parseTime(parameters.get("time")) ?? ports.clock.nowNs();
  return {
    kind: "instant",
    fromNs: timeNs,
    toNs: timeNs,
    stepNs: undefined,
    intervalNs: 0n,
    limit,
    direction: readDirection(parameters),
  };
}

/** What Skald adds to Loki's parameters: `cursor` (empty: the first page) and `seriesLimit`. */
function readExtensions(parameters: Parameters): Pick<QueryRequest, "cursor" | "seriesLimit"> {
  const seriesLimit = parameters.get("seriesLimit");
  if (seriesLimit !== "" && seriesLimit !== "error" && seriesLimit !== "truncate") {
    throw new RequestError(400, `invalid seriesLimit '${seriesLimit}': error or truncate`);
  }
  return {
    cursor: parameters.all("cursor")[0],
    seriesLimit: seriesLimit === "" ? undefined : seriesLimit,
  };
}

/** 100 when missing. */
export function readLimit(parameters: Parameters): number {
  const limit = parameters.integer("limit", limitDefault);
  if (limit <= 0) throw new RequestError(400, "limit must be a positive value");
  return limit;
}

/** Grafana has a direction `scan` of its own: backward, in pieces of time. Some versions send it. */
export function readDirection(parameters: Parameters): Ask["direction"] {
  const text = parameters.get("direction");
  const direction = text.toLowerCase();
  if (["", "backward", "scan"].includes(direction)) return "backward";
  if (direction === "forward") return direction;
  throw new RequestError(400, `invalid direction '${text}'`);
}

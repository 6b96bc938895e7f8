import { RequestError } from "#base";
import type { QueryRequest } from "#query";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { queryJson } from "./encode-query.ts";
import { type Parameters, parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { limitsFor } from "./query-limits.ts";
import { route } from "./routing.ts";
import { sendJson } from "./server.ts";
import { tenantsOf } from "./tenants.ts";
import { parseBounds, parsePrometheusDuration, parseTime } from "./times.ts";

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

type Ask = Pick<
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
  const ask = read(parameters, ports);
  const gone = new AbortController();
  request.raw.socket.once("close", () => gone.abort());
  const result = await ports.engine.run({
    ...ask,
    tenants,
    text: parameters.get("query"),
    limits: limitsFor(request, tenants, ports.limits),
    signal: gone.signal,
  });
  return sendJson(reply, queryJson(result, { categorize: wantsCategories(request) }));
}

function rangeRequest(parameters: Parameters, ports: HttpPorts): Ask {
  const { startNs, endNs } = parseBounds(parameters, ports.clock);
  const common = readCommon(parameters);
  const stepNs = parseStep(parameters.get("step"), "step");
  const intervalNs = parseStep(parameters.get("interval"), "interval") ?? 0n;
  return { kind: "range", fromNs: startNs, toNs: endNs, stepNs, intervalNs, ...common };
}

function instantRequest(parameters: Parameters, ports: HttpPorts): Ask {
  const timeNs = parseTime(parameters.get("time"), "time") ?? ports.clock.nowNs();
  const common = readCommon(parameters);
  return {
    kind: "instant",
    fromNs: timeNs,
    toNs: timeNs,
    stepNs: undefined,
    intervalNs: 0n,
    ...common,
  };
}

function readCommon(parameters: Parameters): Pick<Ask, "limit" | "direction"> {
  const limit = parameters.integer("limit", limitDefault);
  if (limit <= 0) throw new RequestError(400, "limit must be a positive value");
  const direction = parameters.get("direction").toLowerCase();
  if (direction !== "" && direction !== "forward" && direction !== "backward") {
    throw new RequestError(400, `invalid direction '${parameters.get("direction")}'`);
  }
  return { limit, direction: direction === "forward" ? "forward" : "backward" };
}

/** Seconds as a number, or a duration; undefined when missing. */
function parseStep(text: string, what: string): bigint | undefined {
  if (text === "") return undefined;
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    return BigInt(Math.round(Number(text) * 1e9));
  }
  try {
    return parsePrometheusDuration(text);
  } catch {
    throw new RequestError(
      400,
      `cannot parse ${JSON.stringify(text)} to a valid duration (${what})`,
    );
  }
}

function wantsCategories(request: FastifyRequest): boolean {
  const header = request.headers["x-loki-response-encoding-flags"];
  const flags = Array.isArray(header) ? header.join(",") : (header ?? "");
  return flags.split(",").some((flag) => flag.trim() === "categorize-labels");
}

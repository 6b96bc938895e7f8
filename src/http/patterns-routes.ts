import { nsPerSecond, RequestError } from "#base";
import { parseLogSelector } from "#logql";
import type { Pattern, PatternQueries } from "#patterns";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { limitsFor } from "./query-limits.ts";
import { route } from "./routing.ts";
import { goneSignal, type RouteFamily, sendJson } from "./server.ts";
import { tenantsOf } from "./tenants.ts";
import { parseBounds, parseStep } from "./times.ts";

/** More steps than this in one answer are refused, as in queries. */
const stepsMax = 11_000n;

/** `/loki/api/v1/patterns`, over a port of its own: not every process learns patterns. */
export function patternsRoutes(queries: PatternQueries): RouteFamily {
  return (app: FastifyInstance, ports: HttpPorts) => {
    route(app, ["GET", "POST"], "/loki/api/v1/patterns", (request, reply) =>
      patterns(request, reply, { ports, queries }),
    );
  };
}

async function patterns(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports, queries }: { readonly ports: HttpPorts; readonly queries: PatternQueries },
): Promise<FastifyReply> {
  const tenants = tenantsOf(request, ports);
  const limits = limitsFor(request, tenants, ports.limits);
  // Logs Drilldown hides the page of patterns on this answer.
  if (!limits.patternIngesterEnabled) throw new RequestError(404, "404 page not found");
  const parameters = parametersOf(request);
  const { startNs, endNs } = parseBounds(parameters, ports.clock);
  const stepNs = parseStep(parameters.get("step")) ?? defaultStep(endNs - startNs);
  checkSteps(endNs - startNs, stepNs);
  const found = await queries.patterns({
    tenants,
    matchers: parseLogSelector(parameters.get("query")).matchers,
    range: { fromNs: startNs, toNs: endNs },
    stepNs,
    signal: goneSignal(reply),
  });
  return sendJson(reply, patternsJson(found));
}

/** As for queries: 250 points, at least a second apart. */
function defaultStep(lengthNs: bigint): bigint {
  const seconds = lengthNs / (250n * nsPerSecond);
  return (seconds > 1n ? seconds : 1n) * nsPerSecond;
}

function checkSteps(lengthNs: bigint, stepNs: bigint): void {
  if (lengthNs < 0n) {
    throw new RequestError(400, "end timestamp must not be before or equal to start time");
  }
  if (stepNs <= 0n) {
    throw new RequestError(
      400,
      "zero or negative query resolution step widths are not accepted. Try a positive integer",
    );
  }
  if (lengthNs / stepNs > stepsMax) {
    throw new RequestError(
      400,
      "exceeded maximum resolution of 11,000 points per time series. " +
        "Try increasing the value of the step parameter",
    );
  }
}

function* patternsJson(found: readonly Pattern[]): Generator<string> {
  yield `{"status":"success","data":[`;
  for (const [i, { pattern, level, samples }] of found.entries()) {
    yield `${i === 0 ? "" : ","}${JSON.stringify({ pattern, level, samples })}`;
  }
  yield "]}";
}

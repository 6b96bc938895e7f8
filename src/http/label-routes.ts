import { nsPerMs, RequestError } from "#base";
import { parseLogSelector } from "#logql";
import { type Matcher, type TimeRange, timestampMaxNs, timestampMinNs } from "#model";
import type { IndexRequest } from "#query";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { labelsJson, listJson } from "./json-text.ts";
import { type Parameters, parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { limitsFor } from "./query-limits.ts";
import { route } from "./routing.ts";
import { goneSignal, sendJson } from "./server.ts";
import { tenantsOf } from "./tenants.ts";
import { parseBounds } from "./times.ts";

/** A request that names more selectors than this is a mistake; each is a search of its own. */
const selectorsMax = 100;

/** Names and values of labels, and series: what dropdowns ask for. */
export function labelRoutes(app: FastifyInstance, ports: HttpPorts): void {
  for (const path of ["/loki/api/v1/labels", "/loki/api/v1/label"]) {
    route(app, ["GET", "POST"], path, async (request, reply) =>
      sendJson(reply, valuesJson(await names(request, reply, ports))),
    );
  }
  route(app, ["GET", "POST"], "/loki/api/v1/label/:name/values", async (request, reply) =>
    sendJson(reply, valuesJson(await values(request, reply, ports))),
  );
  route(app, ["GET", "POST"], "/api/prom/label", async (request, reply) =>
    sendJson(reply, legacyValuesJson(await names(request, reply, ports))),
  );
  route(app, ["GET", "POST"], "/api/prom/label/:name/values", async (request, reply) =>
    sendJson(reply, legacyValuesJson(await values(request, reply, ports))),
  );
  for (const path of ["/loki/api/v1/series", "/api/prom/series"]) {
    route(app, ["GET", "POST"], path, (request, reply) => series(request, reply, ports));
  }
}

function names(request: FastifyRequest, reply: FastifyReply, ports: HttpPorts): Promise<string[]> {
  return ports.index.labelNames(labelRequest(request, reply, ports));
}

async function values(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): Promise<string[]> {
  const { name } = request.params as { name: string };
  return ports.index.labelValues(labelRequest(request, reply, ports), name);
}

function labelRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): IndexRequest {
  const tenants = tenantsOf(request, ports);
  const parameters = parametersOf(request);
  const limits = limitsFor(request, tenants, ports.limits);
  const range = labelRange(parameters, ports, limits.maxQueryLengthMs);
  const text = parameters.get("query");
  const matchers: readonly Matcher[] = text === "" ? [] : parseLogSelector(text).matchers;
  return { tenants, matchers, range, limits, signal: goneSignal(reply) };
}

/**
 * Without any times: as far back as one question may reach, since who asks for labels without
 * saying when wants to see what there is. docs/decisions/0201.
 */
function labelRange(parameters: Parameters, ports: HttpPorts, lengthMaxMs: number): TimeRange {
  const isOpen = ["start", "end", "since"].every((name) => parameters.get(name) === "");
  if (!isOpen) {
    const { startNs, endNs } = parseBounds(parameters, ports.clock);
    return { fromNs: startNs, toNs: endNs };
  }
  if (lengthMaxMs <= 0) return { fromNs: timestampMinNs, toNs: timestampMaxNs };
  const nowNs = ports.clock.nowNs();
  return { fromNs: nowNs - BigInt(lengthMaxMs) * nsPerMs, toNs: nowNs };
}

/** Loki leaves `data` out when there is nothing. */
function* valuesJson(texts: readonly string[]): Generator<string> {
  if (texts.length === 0) {
    yield `{"status":"success"}`;
    return;
  }
  yield `{"status":"success","data":`;
  yield* listJson(texts.map((text) => JSON.stringify(text)));
  yield "}";
}

function* legacyValuesJson(texts: readonly string[]): Generator<string> {
  if (texts.length === 0) {
    yield "{}";
    return;
  }
  yield `{"values":`;
  yield* listJson(texts.map((text) => JSON.stringify(text)));
  yield "}";
}

async function series(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): Promise<FastifyReply> {
  const tenants = tenantsOf(request, ports);
  const parameters = parametersOf(request);
  const { startNs, endNs } = parseBounds(parameters, ports.clock);
  const found = await ports.index.series({
    tenants,
    matchersList: selectors(parameters),
    range: { fromNs: startNs, toNs: endNs },
    limits: limitsFor(request, tenants, ports.limits),
    signal: goneSignal(reply),
  });
  return sendJson(reply, seriesJson(found.map((labels) => labelsJson(labels.pairs))));
}

/** `match` and `match[]`, any number of both; none selects everything, and so does `{}`. */
function selectors(parameters: Parameters): Matcher[][] {
  const texts = [...parameters.all("match"), ...parameters.all("match[]")];
  const distinct = [...new Set(texts)];
  if (distinct.length > selectorsMax) {
    const { length } = distinct;
    throw new RequestError(400, `too many selectors: ${length}, at most ${selectorsMax}`);
  }
  const found = distinct.map((text) => [
    ...parseLogSelector(text, { requireMatcher: false }).matchers,
  ]);
  return found.length === 0 ? [[]] : found;
}

function* seriesJson(items: readonly string[]): Generator<string> {
  yield `{"status":"success","data":`;
  yield* listJson(items);
  yield "}";
}

import { parseQuery, printMatchers, printStage } from "#logql";
import type { QueryResult } from "#query";
import { RequestError } from "#base";
import { formatRfc3339Nano } from "#gofmt";
import { Labels } from "#model";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { statsJson } from "./encode-stats.ts";
import { listJson } from "./json-text.ts";
import { parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { cachingOf } from "./caching.ts";
import { limitsFor } from "./query-limits.ts";
import { rangeRequest } from "./query-routes.ts";
import { route } from "./routing.ts";
import { goneSignal, sendJson } from "./server.ts";
import { tenantsOf } from "./tenants.ts";

/** `/api/prom/query`, the first version of `query_range`: log queries only, with `regexp`. */
export function legacyQueryRoutes(app: FastifyInstance, ports: HttpPorts): void {
  route(app, ["GET", "POST"], "/api/prom/query", (request, reply) => query(request, reply, ports));
}

async function query(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): Promise<FastifyReply> {
  const tenants = tenantsOf(request, ports);
  const parameters = parametersOf(request);
  const result = await ports.engine.run({
    ...rangeRequest(parameters, ports),
    tenants,
    text: withRegexp(parameters.get("query"), parameters.get("regexp")),
    limits: limitsFor(request, tenants, ports.limits),
    signal: goneSignal(reply),
    ...cachingOf(request),
  });
  return sendJson(reply, legacyJson(result));
}

/** The query with the parameter `regexp` as a line filter behind its stages. Throws ParseError. */
export function withRegexp(text: string, regexp: string): string {
  if (regexp === "") return text;
  const expr = parseQuery(text, { checkStages: false });
  if (expr.kind !== "log") return text;
  const { span } = expr;
  const filter = printStage({
    kind: "lineFilter",
    op: "|~",
    alternatives: [{ text: regexp, isIp: false }],
    span,
  });
  return [printMatchers(expr.matchers), ...expr.stages.map(printStage), filter].join(" ");
}

function* legacyJson(result: QueryResult): Generator<string> {
  const { data } = result;
  if (data.kind !== "streams") {
    const reason = "legacy endpoints only support streams result type";
    throw new RequestError(400, `rpc error: code = Code(400) desc = ${reason}`);
  }
  yield `{"streams":`;
  yield* listJson(
    data.streams.map(({ labels, entries }) => {
      const values = entries.map(legacyEntryJson);
      return `{"labels":${legacyLabelsJson(Labels.of(labels))},"entries":[${values.join(",")}]}`;
    }),
  );
  yield `,"stats":${statsJson(result.stats)}}`;
}

/** `{a="b", c="d"}` as a JSON string. */
export function legacyLabelsJson(labels: Labels): string {
  return JSON.stringify(labels.toString());
}

export function legacyEntryJson(entry: { readonly timeNs: bigint; readonly line: string }): string {
  const time = formatRfc3339Nano(entry.timeNs);
  return `{"ts":${JSON.stringify(time)},"line":${JSON.stringify(entry.line)}}`;
}

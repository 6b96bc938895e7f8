import { RequestError } from "#base";
import {
  type DetectedField,
  detectFields,
  detectFieldValues,
  detectLabels,
  type SampleRequest,
} from "#discovery";
import { parseLogSelector } from "#logql";
import type { Matcher } from "#model";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Parameters, parametersOf } from "./parameters.ts";
import type { HttpPorts } from "./ports.ts";
import { limitsFor } from "./query-limits.ts";
import { route } from "./routing.ts";
import { goneSignal, sendJson } from "./server.ts";
import { tenantsOf } from "./tenants.ts";
import { parseBounds, parseStep } from "./times.ts";

const fieldLimitDefault = 1000;
const lineLimitDefault = 100;

/** Labels and fields as Grafana's Logs Drilldown asks for them. Empty answers are `{}`, as Loki's. */
export function detectedRoutes(app: FastifyInstance, ports: HttpPorts): void {
  route(app, ["GET", "POST"], "/loki/api/v1/detected_labels", (request, reply) =>
    labels(request, reply, ports),
  );
  route(app, ["GET", "POST"], "/loki/api/v1/detected_fields", (request, reply) =>
    fields(request, reply, ports),
  );
  for (const path of ["detected_field", "detected_fields"]) {
    route(app, ["GET", "POST"], `/loki/api/v1/${path}/:name/values`, (request, reply) =>
      values(request, reply, ports),
    );
  }
}

async function labels(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): Promise<FastifyReply> {
  const tenants = tenantsOf(request, ports);
  const parameters = parametersOf(request);
  const { startNs, endNs } = parseBounds(parameters, ports.clock);
  const text = parameters.get("query");
  const matchers: Matcher[] = text === "" ? [] : [...parseLogSelector(text).matchers];
  const streams = await ports.index.series({
    tenants,
    matchersList: [matchers],
    range: { fromNs: startNs, toNs: endNs },
    limits: limitsFor(request, tenants, ports.limits),
    signal: goneSignal(reply),
  });
  const detectedLabels = detectLabels(streams);
  return sendJson(reply, JSON.stringify(detectedLabels.length === 0 ? {} : { detectedLabels }));
}

function sampleRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): { readonly sample: SampleRequest; readonly limit: number } {
  const tenants = tenantsOf(request, ports);
  const parameters = parametersOf(request);
  const { startNs, endNs } = parseBounds(parameters, ports.clock);
  const limit = positive(parameters, limitName(parameters), fieldLimitDefault);
  const sample = {
    tenants,
    text: parameters.get("query"),
    fromNs: startNs,
    toNs: endNs,
    stepNs: parseStep(parameters.get("step")),
    lineLimit: positive(parameters, "line_limit", lineLimitDefault),
    limits: limitsFor(request, tenants, ports.limits),
    signal: goneSignal(reply),
  };
  return { sample, limit };
}

/** `field_limit` is what `limit` was called first. */
function limitName(parameters: Parameters): string {
  return parameters.get("limit") === "" ? "field_limit" : "limit";
}

function positive(parameters: Parameters, name: string, fallback: number): number {
  const value = parameters.integer(name, fallback);
  if (value <= 0) throw new RequestError(400, "limit must be a positive value");
  return value;
}

async function fields(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): Promise<FastifyReply> {
  const { sample, limit } = sampleRequest(request, reply, ports);
  const found = await detectFields(ports.engine, { ...sample, fieldLimit: limit });
  const answer = found.length === 0 ? {} : { fields: found.map(fieldAnswer), limit };
  return sendJson(reply, JSON.stringify(answer));
}

function fieldAnswer(field: DetectedField): object {
  const { label, type, cardinality, jsonPath } = field;
  const parsers = field.parsers.length === 0 ? null : field.parsers;
  return { label, type, cardinality, parsers, ...(jsonPath === undefined ? {} : { jsonPath }) };
}

async function values(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: HttpPorts,
): Promise<FastifyReply> {
  const { name } = request.params as { name: string };
  const { sample, limit } = sampleRequest(request, reply, ports);
  const found = await detectFieldValues(ports.engine, { ...sample, name, valueLimit: limit });
  const answer = found.length === 0 ? {} : { values: found, limit };
  return sendJson(reply, JSON.stringify(answer));
}

import { nsPerMs, RequestError } from "#base";
import type { Limits, LimitsByTenant } from "#config";
import { GoParseError, parseHumanBytes } from "#gofmt";
import type { FastifyRequest } from "fastify";
import { parsePrometheusDuration } from "./times.ts";

const limitsHeader = "x-loki-query-limits";
/** A header that lists more labels than this is refused. */
const requiredLabelsMax = 100;

/**
 * The limits of a query: of several tenants the strictest, tightened by the header
 * `X-Loki-Query-Limits`. Throws RequestError 400 when the header cannot be read: a client that asks
 * for protection must not believe it has it.
 */
export function limitsFor(
  request: FastifyRequest,
  tenants: readonly string[],
  byTenant: LimitsByTenant,
): Limits {
  const [first, ...rest] = tenants.map((tenant) => byTenant.for(tenant));
  const merged = rest.reduce(strictest, first!);
  const header = request.headers[limitsHeader];
  if (header === undefined || header === "") return merged;
  return tighten(merged, parseHeader(Array.isArray(header) ? header.join(",") : header));
}

/** The limits that bound a read; zero (or an empty list) is none. */
type ReadLimits = Pick<
  Limits,
  | "maxQueryLengthMs"
  | "maxQueryRangeMs"
  | "maxQueryLookbackMs"
  | "maxEntriesLimitPerQuery"
  | "queryTimeoutMs"
  | "requiredLabels"
  | "requiredNumberLabels"
  | "maxQueryBytesRead"
>;

function strictest(a: Limits, b: Limits): Limits {
  return {
    ...tighten(a, b),
    maxQuerySeries: smallestPositive(a.maxQuerySeries, b.maxQuerySeries),
    maxQuerySeriesAction: a.maxQuerySeriesAction === "error" ? "error" : b.maxQuerySeriesAction,
    volumeMaxSeries: smallestPositive(a.volumeMaxSeries, b.volumeMaxSeries),
    volumeEnabled: a.volumeEnabled && b.volumeEnabled,
    maxStreamsMatchersPerQuery: smallestPositive(
      a.maxStreamsMatchersPerQuery,
      b.maxStreamsMatchersPerQuery,
    ),
    blockedQueries: [...a.blockedQueries, ...b.blockedQueries],
  };
}

function tighten(limits: Limits, by: ReadLimits): Limits {
  return {
    ...limits,
    maxQueryLengthMs: smallestPositive(limits.maxQueryLengthMs, by.maxQueryLengthMs),
    maxQueryRangeMs: smallestPositive(limits.maxQueryRangeMs, by.maxQueryRangeMs),
    maxQueryLookbackMs: smallestPositive(limits.maxQueryLookbackMs, by.maxQueryLookbackMs),
    maxEntriesLimitPerQuery: smallestPositive(
      limits.maxEntriesLimitPerQuery,
      by.maxEntriesLimitPerQuery,
    ),
    queryTimeoutMs: smallestPositive(limits.queryTimeoutMs, by.queryTimeoutMs),
    maxQueryBytesRead: smallestPositive(limits.maxQueryBytesRead, by.maxQueryBytesRead),
    requiredLabels: [...new Set([...limits.requiredLabels, ...by.requiredLabels])],
    requiredNumberLabels: Math.max(limits.requiredNumberLabels, by.requiredNumberLabels),
  };
}

/** Zero means no limit. */
function smallestPositive(a: number, b: number): number {
  if (a === 0) return b;
  if (b === 0) return a;
  return Math.min(a, b);
}

type Fields = Readonly<Record<string, unknown>>;

/** JSON with Loki's names: durations and sizes are texts, counts are numbers. */
function parseHeader(text: string): ReadLimits {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    throw invalid("it is not JSON");
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw invalid("it is not a JSON object");
  }
  const known = fields as Fields;
  return {
    maxQueryLengthMs: durationOf(known, "maxQueryLength"),
    maxQueryRangeMs: durationOf(known, "maxQueryInterval") || durationOf(known, "maxQueryRange"),
    maxQueryLookbackMs: durationOf(known, "maxQueryLookback"),
    maxEntriesLimitPerQuery: countOf(known, "maxEntriesLimitPerQuery"),
    queryTimeoutMs: durationOf(known, "maxQueryTime") || durationOf(known, "queryTimeout"),
    maxQueryBytesRead: bytesOf(known, "maxQueryBytesRead"),
    requiredLabels: labelsOf(known, "requiredLabels"),
    requiredNumberLabels:
      countOf(known, "minimumLabelsNumber") || countOf(known, "requiredNumberLabels"),
  };
}

function invalid(reason: string): RequestError {
  return new RequestError(400, `invalid header X-Loki-Query-Limits: ${reason}`);
}

function durationOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (value === undefined) return 0;
  if (typeof value !== "string") throw invalid(`${name} must be a duration such as "1h"`);
  try {
    return Number(parsePrometheusDuration(value) / nsPerMs);
  } catch (error) {
    if (error instanceof RequestError) throw invalid(`${name}: ${error.message}`);
    throw error;
  }
}

function bytesOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "string") return countOf(fields, name);
  try {
    return parseHumanBytes(value);
  } catch (error) {
    if (error instanceof GoParseError) throw invalid(`${name}: ${error.message}`);
    throw error;
  }
}

function countOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (value === undefined) return 0;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(`${name} must be a whole number`);
}

function labelsOf(fields: Fields, name: string): string[] {
  const value = fields[name] ?? [];
  const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
  if (!isList || value.length > requiredLabelsMax) {
    throw invalid(`${name} must be a list of at most ${requiredLabelsMax} label names`);
  }
  return value;
}

import type { Limits, LimitsByTenant } from "#config";
import type { FastifyRequest } from "fastify";

/** The limits of a query: of several tenants the strictest, tightened by `X-Loki-Query-Limits`. */
export function limitsFor(
  request: FastifyRequest,
  tenants: readonly string[],
  byTenant: LimitsByTenant,
): Limits {
  const [first, ...rest] = tenants.map((tenant) => byTenant.for(tenant));
  const merged = rest.reduce(strictest, first!);
  void request;
  return merged;
}

function strictest(a: Limits, b: Limits): Limits {
  return {
    ...a,
    maxQueryLengthMs: smallestPositive(a.maxQueryLengthMs, b.maxQueryLengthMs),
    maxQueryRangeMs: smallestPositive(a.maxQueryRangeMs, b.maxQueryRangeMs),
    maxQueryLookbackMs: smallestPositive(a.maxQueryLookbackMs, b.maxQueryLookbackMs),
    maxQuerySeries: smallestPositive(a.maxQuerySeries, b.maxQuerySeries),
    maxEntriesLimitPerQuery: smallestPositive(a.maxEntriesLimitPerQuery, b.maxEntriesLimitPerQuery),
    queryTimeoutMs: smallestPositive(a.queryTimeoutMs, b.queryTimeoutMs),
    maxQueryBytesRead: smallestPositive(a.maxQueryBytesRead, b.maxQueryBytesRead),
  };
}

/** Zero means no limit. */
function smallestPositive(a: number, b: number): number {
  if (a === 0) return b;
  if (b === 0) return a;
  return Math.min(a, b);
}

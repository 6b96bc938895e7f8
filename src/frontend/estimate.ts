import { MiB } from "#base";
import type { IndexQueries, QueryRequest } from "#query";
import { dataRange, type QueryShape } from "./query-shape.ts";

/** Bytes of lines that a query will probably look at; from the index alone. May reject. */
export type Estimate = (request: QueryRequest, shape: QueryShape) => Promise<number>;

/**
 * Without stages every entry counts, so that a log query ends after the few blocks that fill its
 * limit, however many there are.
 */
const unfilteredBytesMax: number = 64 * MiB;

/** Adds up what the streams of each selector hold in the time that is read. */
export function estimateByIndex(index: Pick<IndexQueries, "stats">): Estimate {
  return async (request, shape) => {
    const { tenants, signal } = request;
    // How long a query may be is for the engine to say.
    const limits = { ...request.limits, maxQueryLengthMs: 0 };
    const { fromNs, toNs } = request;
    if (shape.expr.kind === "log") {
      const { matchers, stages } = shape.expr;
      const range = { fromNs, toNs: toNs > fromNs ? toNs : fromNs + 1n };
      const { bytes } = await index.stats({ tenants, matchers, range, limits, signal });
      return stages.length === 0 ? Math.min(bytes, unfilteredBytesMax) : bytes;
    }
    let total = 0;
    for (const { log, rangeNs, offsetNs } of shape.ranges) {
      const steps = { firstNs: fromNs, lastNs: toNs };
      const range = dataRange(steps, { backNs: rangeNs + offsetNs, aheadNs: -offsetNs });
      const { matchers } = log;
      total += (await index.stats({ tenants, matchers, range, limits, signal })).bytes;
    }
    return total;
  };
}

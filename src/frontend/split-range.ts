/**
 * Cuts the steps of a metric range query at interval boundaries, so that what is known of an
 * interval serves every query that covers it. Pure.
 */
import { nsPerMs, nsPerSecond } from "#base";
import type { QueryRequest } from "#query";
import { dataRange, isTimeless, type QueryShape, type Reach, reachOf } from "./query-shape.ts";

/** Steps firstNs, firstNs + step, … lastNs. */
export interface StepRange {
  readonly firstNs: bigint;
  readonly lastNs: bigint;
}

/** The steps of a query that lie in one interval. */
export interface Piece extends StepRange {
  /** Number of the interval since 1970. */
  readonly interval: bigint;
  /** All of the interval and what it looks at is old enough to be remembered. */
  readonly isClosed: boolean;
}

export interface SplitQuery extends StepRange {
  /** Where the query begins once `max_query_lookback` has moved it. */
  readonly fromNs: bigint;
  readonly stepNs: bigint;
  readonly intervalNs: bigint;
  readonly reach: Reach;
  readonly pieces: readonly Piece[];
}

/**
 * An interval has at least so many steps: with fewer, the labels of a remembered piece would weigh
 * more than its values. At most 11,000 / 20 pieces are looked up for one query.
 */
const pieceStepsMin = 20n;

/** Answers have times in milliseconds: with shorter steps it would not be clear which is which. */
const stepNsMin = nsPerMs;

/** Undefined for a query that is answered as a whole. */
export function splitQuery(
  request: QueryRequest,
  shape: QueryShape,
  nowNs: bigint,
): SplitQuery | undefined {
  const { limits } = request;
  const splitNs = BigInt(limits.splitQueriesByIntervalMs) * nsPerMs;
  const stepNs = stepOf(request);
  if (request.kind !== "range" || shape.ranges.length === 0) return undefined;
  if (splitNs <= 0n || stepNs < stepNsMin || request.toNs < request.fromNs) return undefined;
  // These look at the query as a whole: how many series it has, how much it reads.
  if (request.seriesLimit === "truncate" || limits.maxQueryBytesRead > 0) return undefined;
  if (!isTimeless(shape)) return undefined;
  const fromNs = lookbackStart(request, nowNs);
  if (fromNs > request.toNs) return undefined;
  // The default step follows from the range; which one is for the engine to say.
  if (fromNs !== request.fromNs && request.stepNs === undefined) return undefined;

  const reach = reachOf(shape.ranges);
  const intervalNs = splitNs * ceilDivide(stepNs * pieceStepsMin, splitNs);
  const firstNs = floorDivide(fromNs, stepNs) * stepNs;
  const lastNs = ceilDivide(request.toNs, stepNs) * stepNs;
  const freshNs = nowNs - BigInt(limits.maxCacheFreshnessMs) * nsPerMs;
  const pieces = piecesOf({ firstNs, lastNs }, { stepNs, intervalNs, reach, freshNs });
  return { fromNs, firstNs, lastNs, stepNs, intervalNs, reach, pieces };
}

/** As the engine: Loki's default is 250 points, at least a second apart. */
function stepOf({ fromNs, toNs, stepNs }: QueryRequest): bigint {
  if (stepNs !== undefined) return stepNs;
  const seconds = (toNs - fromNs) / (250n * nsPerSecond);
  return (seconds > 1n ? seconds : 1n) * nsPerSecond;
}

/** `max_query_lookback` moves the start. */
function lookbackStart({ fromNs, limits }: QueryRequest, nowNs: bigint): bigint {
  if (limits.maxQueryLookbackMs <= 0) return fromNs;
  const oldestNs = nowNs - BigInt(limits.maxQueryLookbackMs) * nsPerMs;
  return fromNs < oldestNs ? oldestNs : fromNs;
}

function piecesOf(
  { firstNs, lastNs }: StepRange,
  how: { stepNs: bigint; intervalNs: bigint; reach: Reach; freshNs: bigint },
): Piece[] {
  const { stepNs, intervalNs, reach, freshNs } = how;
  const pieces: Piece[] = [];
  for (let fromNs = firstNs; fromNs <= lastNs; ) {
    const interval = floorDivide(fromNs, intervalNs);
    const endNs = (interval + 1n) * intervalNs;
    const nextNs = ceilDivide(endNs, stepNs) * stepNs;
    const toNs = nextNs - stepNs < lastNs ? nextNs - stepNs : lastNs;
    const aheadNs = reach.aheadNs > 0n ? reach.aheadNs : 0n;
    const isClosed = endNs + aheadNs <= freshNs;
    pieces.push({ interval, firstNs: fromNs, lastNs: toNs, isClosed });
    fromNs = nextNs;
  }
  return pieces;
}

/** More runs than this cost more by planning than they save by reading less. */
const runsMax = 16;

/**
 * Which steps to compute when these pieces are missing: neighbours together, and everything when
 * the windows that reach back from each run would read more than that.
 */
export function runsFor(query: SplitQuery, missing: readonly Piece[]): readonly StepRange[] {
  const runs: StepRange[] = [];
  for (const piece of missing) {
    const last = runs.at(-1);
    if (last !== undefined && last.lastNs + query.stepNs === piece.firstNs) {
      runs[runs.length - 1] = { firstNs: last.firstNs, lastNs: piece.lastNs };
    } else runs.push({ firstNs: piece.firstNs, lastNs: piece.lastNs });
  }
  let readNs = 0n;
  for (const run of runs) readNs += lengthOf(run, query.reach);
  const isWorth = runs.length <= runsMax && readNs < lengthOf(query, query.reach);
  return isWorth ? runs : [{ firstNs: query.firstNs, lastNs: query.lastNs }];
}

function lengthOf(steps: StepRange, reach: Reach): bigint {
  const { fromNs, toNs } = dataRange(steps, reach);
  return toNs - fromNs;
}

export function stepCount({ firstNs, lastNs }: StepRange, stepNs: bigint): number {
  return Number((lastNs - firstNs) / stepNs) + 1;
}

export function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a < 0n && quotient * b !== a ? quotient - 1n : quotient;
}

export function ceilDivide(a: bigint, b: bigint): bigint {
  return -floorDivide(-a, b);
}

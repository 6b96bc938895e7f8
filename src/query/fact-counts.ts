import { Labels, type TimeRange } from "#model";
import type { Pipeline } from "#pipeline";
import type { BlockScope } from "./block-scope.ts";
import { lineUse } from "./fold-of-function.ts";
import type { RangePlan } from "./plan.ts";
import type { SeriesTable } from "./series-table.ts";
import type { WindowSteps } from "./step-grid.ts";

/**
 * Can whole blocks be counted by their facts alone? Where no stage looks at entries and the series
 * do not depend on structured metadata: counts and bytes by labels that all of a block's streams
 * have, or by none.
 */
export function isCountedByFacts(plan: RangePlan, pipeline: Pipeline): boolean {
  return pipeline.isIdentity && isCountedByStreams(plan);
}

/** As long as no row comes with structured metadata that is read, its stream tells its series. */
export function isCountedByStreams(plan: RangePlan): boolean {
  if (plan.unwrap !== undefined) return false;
  if (plan.fn === "absent_over_time") return true;
  return (
    !plan.grouping.without &&
    (plan.fn === "count_over_time" ||
      plan.fn === "rate" ||
      plan.fn === "bytes_over_time" ||
      plan.fn === "bytes_rate")
  );
}

type Steps = readonly [from: number, to: number];

interface FactsQuery {
  readonly plan: RangePlan;
  readonly range: TimeRange;
  readonly windows: WindowSteps;
}

/**
 * By stream of the block the steps its entries count for, if for each stream these are the same for
 * all of its entries; else the block has to be read.
 */
export function stepsByFacts(block: BlockScope, query: FactsQuery): readonly Steps[] | undefined {
  const { facts } = block.ref;
  const { fn, grouping } = query.plan;
  if (facts.hasHiddenRows === true || facts.isEstimate === true) return undefined;
  const names = fn === "absent_over_time" ? [] : grouping.names;
  if (!facts.streams.every(({ labels }) => names.every((name) => labels.has(name)))) {
    return undefined;
  }
  const ofAll = stepsOfSpan(facts, query);
  if (ofAll !== undefined) return facts.streams.map(() => ofAll);
  const steps: Steps[] = [];
  for (const stream of facts.streams) {
    const ofStream = stepsOfSpan(stream, query);
    if (ofStream === undefined) return undefined;
    steps.push(ofStream);
  }
  return steps;
}

/** The steps that count every entry of a span of time; undefined when these differ. */
function stepsOfSpan(
  { minNs, maxNs }: { readonly minNs: bigint; readonly maxNs: bigint },
  { range, windows }: FactsQuery,
): Steps | undefined {
  if (minNs < range.fromNs || maxNs >= range.toNs) return undefined;
  const first = windows.offsetOf(minNs);
  const last = first + Number(maxNs - minNs);
  const from = windows.firstStep(first);
  const to = windows.endStep(first);
  const isSame = windows.firstStep(last) === from && windows.endStep(last) === to;
  return isSame ? [from, to] : undefined;
}

/** Adds a block without reading it. False when it has to be read; then nothing was added. */
export function addFromFacts(
  block: BlockScope,
  query: FactsQuery & { readonly table: SeriesTable },
): boolean {
  const weighsBytes = lineUse(query.plan.fn) === "length";
  if (addAsOne(block, { ...query, weighsBytes })) return true;
  const steps = stepsByFacts(block, query);
  if (steps === undefined) return false;
  for (const [i, { labels, entryCount, lineBytes }] of block.ref.facts.streams.entries()) {
    if (block.streams?.[i] === 0) continue;
    const [from, to] = steps[i]!;
    if (from >= to) continue;
    const sample = { time: 0, value: weighsBytes ? lineBytes : entryCount, count: entryCount };
    query.table.foldForStream(block.tenant, labels).add(from, to, sample);
  }
  return true;
}

/** Where there is one series alone and all of the block counts: its streams are not looked at. */
function addAsOne(
  block: BlockScope,
  query: FactsQuery & { readonly table: SeriesTable; readonly weighsBytes: boolean },
): boolean {
  const { plan, table, weighsBytes } = query;
  const { facts } = block.ref;
  const isOneSeries =
    plan.fn === "absent_over_time" || (!plan.grouping.without && plan.grouping.names.length === 0);
  if (!isOneSeries || block.streams !== undefined) return false;
  if (facts.hasHiddenRows === true || facts.isEstimate === true) return false;
  const steps = stepsOfSpan(facts, query);
  if (steps === undefined) return false;
  const [from, to] = steps;
  const { entryCount: count, lineBytes } = facts;
  const sample = { time: 0, value: weighsBytes ? lineBytes : count, count };
  if (from < to) table.foldForStream(block.tenant, Labels.empty).add(from, to, sample);
  return true;
}

import type { TimeRange } from "#model";
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
  if (!pipeline.isIdentity || plan.unwrap !== undefined) return false;
  if (plan.fn === "absent_over_time") return true;
  return (
    !plan.grouping.without &&
    (plan.fn === "count_over_time" ||
      plan.fn === "rate" ||
      plan.fn === "bytes_over_time" ||
      plan.fn === "bytes_rate")
  );
}

/**
 * By stream of the block the steps its entries count for, if for each stream these are the same for
 * all of its entries; else the block has to be read.
 */
export function stepsByFacts(
  block: BlockScope,
  query: { readonly plan: RangePlan; readonly range: TimeRange; readonly windows: WindowSteps },
): readonly (readonly [from: number, to: number])[] | undefined {
  const { plan, range, windows } = query;
  const { facts } = block.ref;
  if (facts.hasHiddenRows === true || facts.isEstimate === true) return undefined;
  const names = plan.fn === "absent_over_time" ? [] : plan.grouping.names;
  windows.setBase(facts.minNs);
  const steps: [number, number][] = [];
  for (const { labels, minNs, maxNs } of facts.streams) {
    if (minNs < range.fromNs || maxNs >= range.toNs) return undefined;
    if (!names.every((name) => labels.has(name))) return undefined;
    const first = Number(minNs - facts.minNs);
    const last = Number(maxNs - facts.minNs);
    const from = windows.firstStep(first);
    const to = windows.endStep(first);
    if (windows.firstStep(last) !== from || windows.endStep(last) !== to) return undefined;
    steps.push([from, to]);
  }
  return steps;
}

/** Adds a block without reading it. False when it has to be read; then nothing was added. */
export function addFromFacts(
  block: BlockScope,
  query: {
    readonly plan: RangePlan;
    readonly range: TimeRange;
    readonly windows: WindowSteps;
    readonly table: SeriesTable;
  },
): boolean {
  const steps = stepsByFacts(block, query);
  if (steps === undefined) return false;
  const weighsBytes = lineUse(query.plan.fn) === "length";
  for (const [i, { labels, entryCount, lineBytes }] of block.ref.facts.streams.entries()) {
    if (block.streams?.[i] === 0) continue;
    const [from, to] = steps[i]!;
    if (from >= to) continue;
    const sample = { time: 0, value: weighsBytes ? lineBytes : entryCount, count: entryCount };
    query.table.foldForStream(block.tenant, labels).add(from, to, sample);
  }
  return true;
}

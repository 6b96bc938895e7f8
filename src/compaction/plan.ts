/**
 * Which segments of a day to merge next. Pure.
 *
 * Only neighbours in the order of their making are merged, so that entries of equal time keep their order of arrival. A
 * segment weighs its stored bytes, at least `segmentBytesMin`. No input may weigh more than half of all inputs (three
 * quarters once the day is over), so the others weigh at least as much (a third of it): its rewriting is on their account.
 * Whoever is not the heaviest input gets into a segment at least twice as heavy, or is below the minimum and pays for
 * one object that goes away. So what is written in all is at most 2 (4) times the weight that arrived, times 1 +
 * log2(max / min), 8 by default: an upper bound that is far off, see the test for what really happens. An entry that arrives
 * late never has a day rewritten.
 */
import type { ListedSegment } from "#segment";
import type { CompactionPolicy } from "./policy.ts";

const dayMs = 86_400_000;

export interface PlanOptions {
  readonly nowMs: number;
  readonly policy: CompactionPolicy;
  /** Ids of segments that cannot be merged, or that something else is about to drop. */
  readonly excluded: ReadonlySet<string>;
}

/** `segments` are those of one tenant and day that nothing replaces. Undefined when all is well as it is. */
export function planMerge(
  segments: readonly ListedSegment[],
  options: PlanOptions,
): readonly ListedSegment[] | undefined {
  const { policy, nowMs, excluded } = options;
  const sorted = [...segments].sort(byMaking);
  const day = sorted[0]?.day ?? 0;
  const isOver = nowMs >= (day + 1) * dayMs + policy.lateMs;
  const rule = { policy, inputsMin: isOver ? 2 : policy.inputsMin, shareMax: isOver ? 0.75 : 0.5 };
  let best: Candidate | undefined;
  for (let from = 0; from < sorted.length; from++) {
    const candidate = bestFrom(sorted, from, rule, excluded);
    if (candidate !== undefined && (best === undefined || candidate.cost < best.cost)) {
      best = candidate;
    }
  }
  return best === undefined ? undefined : sorted.slice(best.from, best.to);
}

/** Bytes of an object by its key. */
export function storedBytesOf(segment: ListedSegment): number {
  return segment.bodyBytes + segment.footerBytes;
}

/** The order of arrival of what is in them. */
export function byMaking(a: ListedSegment, b: ListedSegment): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

interface Rule {
  readonly policy: CompactionPolicy;
  readonly inputsMin: number;
  /** Of the heaviest input in the weight of all. */
  readonly shareMax: number;
}

interface Candidate {
  readonly from: number;
  readonly to: number;
  /** Weight to write for each object that goes away. */
  readonly cost: number;
}

function bestFrom(
  sorted: readonly ListedSegment[],
  from: number,
  rule: Rule,
  excluded: ReadonlySet<string>,
): Candidate | undefined {
  const { policy, inputsMin, shareMax } = rule;
  let best: Candidate | undefined;
  let [total, heaviest] = [0, 0];
  const end = Math.min(sorted.length, from + policy.inputsMax);
  for (let to = from; to < end; to++) {
    const segment = sorted[to]!;
    const bytes = storedBytesOf(segment);
    if (excluded.has(segment.id)) break;
    const weight = Math.max(bytes, policy.segmentBytesMin);
    total += weight;
    heaviest = Math.max(heaviest, weight);
    if (total > policy.segmentBytesMax) break;
    const count = to - from + 1;
    if (count < inputsMin || heaviest > total * shareMax) continue;
    const cost = total / (count - 1);
    if (best === undefined || cost <= best.cost) best = { from, to: to + 1, cost };
  }
  return best;
}

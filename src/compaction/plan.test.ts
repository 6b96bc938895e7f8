import assert from "node:assert/strict";
import { test } from "node:test";
import { hour, MiB } from "#base";
import { dayStartNs } from "#model";
import type { ListedSegment } from "#segment";
import { seededRandom } from "#world";
import { byMaking, planMerge, storedBytesOf } from "./plan.ts";
import { defaultCompactionPolicy as policy } from "./policy.ts";

const day = 20_513;
const startMs = day * 86_400_000;
const inTheDay = startMs + 12 * hour;
const afterTheDay = startMs + 24 * hour + policy.lateMs;

let made = 0;

function segment(bytes: number): ListedSegment {
  const id = (++made).toString(16).padStart(28, "0");
  const minNs = dayStartNs(day);
  const key = `segment ${id}`;
  const sizes = { bodyBytes: bytes - 100, footerBytes: 100 };
  return { tenant: "fake", day, minNs, maxNs: minNs, id, replacesCount: 0, key, ...sizes };
}

/** Sizes of the inputs in MiB. */
function planned(
  mib: readonly number[],
  nowMs: number,
  excluded: readonly number[] = [],
): number[] {
  const segments = mib.map((one) => segment(one * MiB));
  const ids = new Set(excluded.map((index) => segments[index]!.id));
  // The order in which they are given does not count.
  const plan = planMerge([...segments].reverse(), { nowMs, policy, excluded: ids });
  return (plan ?? []).map((one) => storedBytesOf(one) / MiB);
}

const plans: readonly (readonly [
  claim: string,
  mib: number[],
  duringTheDay: number[],
  afterIt: number[],
])[] = [
  ["nothing", [], [], []],
  ["one segment is left alone", [10], [], []],
  ["two wait until the day is over", [10, 11], [], [10, 11]],
  ["three wait", [10, 11, 9], [], [10, 11, 9]],
  ["four equal ones are merged", [10, 10, 10, 10], [10, 10, 10, 10], [10, 10, 10, 10]],
  ["more at once are better", [9, 9, 9, 9, 9, 9], [9, 9, 9, 9, 9, 9], [9, 9, 9, 9, 9, 9]],
  ["a large one is not rewritten for small ones", [80, 4, 4, 4], [], [4, 4, 4]],
  ["but small ones are merged beside it", [80, 4, 4, 4, 4], [4, 4, 4, 4], [4, 4, 4, 4]],
  ["nothing grows beyond the maximum", [100, 100, 100, 100], [], []],
  ["what is too large already is left alone", [200, 10, 10], [], [10, 10]],
  ["only neighbours are merged", [4, 4, 100, 4, 4], [], [4, 4]],
  ["tiny ones weigh a MiB", [3, 0.01, 0.01, 0.01], [3, 0.01, 0.01, 0.01], [0.01, 0.01, 0.01]],
  ["late data is merged when it weighs enough", [30, 9], [], []],
  ["late data is merged when it weighs enough, then", [30, 10], [], [30, 10]],
];
for (const [claim, mib, duringTheDay, afterIt] of plans) {
  test(`${claim}: ${JSON.stringify(mib)}`, () => {
    assert.deepEqual(planned(mib, inTheDay), duringTheDay, "during the day");
    assert.deepEqual(planned(mib, afterTheDay - 1), duringTheDay, "until the last late entry");
    assert.deepEqual(planned(mib, afterTheDay), afterIt, "after the day");
  });
}

test("excluded segments are passed over, and so are merges across them", () => {
  assert.deepEqual(planned([9, 9, 9, 9, 9], inTheDay, [0]), [9, 9, 9, 9]);
  assert.deepEqual(planned([9, 9, 9, 9, 9], inTheDay, [2]), []);
  assert.deepEqual(planned([9, 9, 9, 9, 9], afterTheDay, [2]), [9, 9]);
});

test("at most inputsMax segments are merged at once", () => {
  const { inputsMax } = policy;
  assert.equal(planned(Array(inputsMax).fill(1), inTheDay).length, inputsMax);
  assert.equal(planned(Array(inputsMax + 1).fill(1), inTheDay).length, inputsMax);
});

/** Merges until nothing is planned; counts how often each byte was written. */
class Simulation {
  segments: ListedSegment[] = [];
  arrived = 0;
  written = 0;
  rewritesMax = 0;
  readonly #rewrites = new Map<string, number>();

  arrive(bytes: number, nowMs: number): void {
    this.segments.push(segment(bytes));
    this.arrived += Math.max(bytes, policy.segmentBytesMin);
    this.#settle(nowMs);
  }

  #settle(nowMs: number): void {
    for (;;) {
      const inputs = planMerge(this.segments, { nowMs, policy, excluded: new Set() });
      if (inputs === undefined) return;
      const bytes = inputs.reduce((sum, one) => sum + storedBytesOf(one), 0);
      const merged = { ...segment(bytes), id: inputs.at(-1)!.id };
      const rewrites = 1 + Math.max(...inputs.map(({ id }) => this.#rewrites.get(id) ?? 0));
      this.#rewrites.set(merged.id, rewrites);
      this.rewritesMax = Math.max(this.rewritesMax, rewrites);
      this.written += Math.max(bytes, policy.segmentBytesMin);
      const gone = new Set(inputs);
      this.segments = [...this.segments.filter((one) => !gone.has(one)), merged].sort(byMaking);
    }
  }

  settle(nowMs: number): void {
    this.#settle(nowMs);
  }
}

test("a day of ten-MiB segments: each byte is written again 2.2 times, 10 objects of 100 remain", () => {
  const day = new Simulation();
  for (let i = 0; i < 100; i++) day.arrive(10 * MiB, inTheDay);
  day.settle(afterTheDay);
  assert.ok(day.segments.length <= 10, `${day.segments.length} objects`);
  assert.ok(day.written / day.arrived <= 2.2, `${day.written / day.arrived}`);
  assert.ok(day.rewritesMax <= 4, `${day.rewritesMax}`);
});

test("what is written stays within the bound, whatever comes when", () => {
  const { segmentBytesMax, segmentBytesMin } = policy;
  const bound = 2 * (1 + Math.log2(segmentBytesMax / segmentBytesMin));
  let worst = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const random = seededRandom(seed);
    const day = new Simulation();
    const arrivals = 60 + Math.floor(random.fraction() * 200);
    for (let i = 0; i < arrivals; i++) {
      day.arrive(200 + random.fraction() ** 4 * 40 * MiB, inTheDay);
    }
    assert.ok(day.written <= day.arrived * bound, `seed ${seed}: ${day.written / day.arrived}`);
    // Then entries come late, in drops.
    for (let i = 0; i < 200; i++) day.arrive(1000, afterTheDay);
    assert.ok(day.written <= day.arrived * bound * 2, `seed ${seed}: ${day.written / day.arrived}`);
    worst = Math.max(worst, day.written / day.arrived);
    const total = day.segments.reduce((sum, one) => sum + storedBytesOf(one), 0);
    const objectsMax = 8 + (2 * total) / segmentBytesMax;
    assert.ok(day.segments.length <= objectsMax, `seed ${seed}: ${day.segments.length} objects`);
  }
  assert.ok(worst <= 4, `in truth: ${worst}`);
});

test("a drop of late data costs a few MiB, however large its day is", () => {
  const day = new Simulation();
  for (let i = 0; i < 100; i++) day.arrive(10 * MiB, inTheDay);
  day.settle(afterTheDay);
  const before = day.written;
  for (let i = 0; i < 1000; i++) day.arrive(1000, afterTheDay);
  const perDrop = (day.written - before) / 1000 / MiB;
  assert.ok(perDrop <= 4, `${perDrop} MiB`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { CanaryEntries, type CanaryCount, type CanaryEntry } from "./canary-entries.ts";
import { CanaryMetricTest } from "./canary-metric-test.ts";
import { withTwoDashes } from "./canary-flags.ts";

const times = { waitMs: 1000, maxWaitMs: 5000, lateMs: 500, settleMs: 100 };

interface Watch {
  readonly entries: CanaryEntries;
  readonly counts: Partial<Record<CanaryCount, number>>;
  readonly write: (id: number, nowMs: number, isBackdated?: true) => CanaryEntry;
}

/** Counts everything but `entries`. */
function watch(): Watch {
  const counts: Partial<Record<CanaryCount, number>> = {};
  const entries = new CanaryEntries(times, {
    count: (what, by = 1) => {
      if (what !== "entries") counts[what] = (counts[what] ?? 0) + by;
    },
    heardAfter: () => undefined,
  });
  const write: Watch["write"] = (id, nowMs, isBackdated) => {
    const at = { id: BigInt(id), sizeBytes: 30, nowMs, isBackdated: isBackdated === true };
    const entry = entries.write(at);
    assert.ok(entry !== undefined);
    entries.stored([entry.id], nowMs);
    return entry;
  };
  return { entries, counts, write };
}

test("a line starts with its time and is filled up to its size", () => {
  const { write } = watch();
  assert.equal(write(1234, 0).line, `1234 ${"p".repeat(25)}`);
  assert.equal(write(1234, 0).line, `1235 ${"p".repeat(25)}`, "times do not repeat");
});

const claims: readonly [claim: string, act: (w: Watch) => void, counts: object][] = [
  [
    "what is heard once and found once is right",
    ({ entries, write }) => {
      const [a, b] = [write(1, 0), write(2, 10)];
      entries.heard(a.line, 20);
      entries.heard(b.line, 20);
      entries.answered(entries.toAskFor(200), [a.line, b.line]);
      entries.prune(100_000);
      assert.equal(entries.watchedCount, 0, "what is decided is forgotten");
    },
    {},
  ],
  [
    "what the tail never had is missing there, once, and missing at all only when no query finds it",
    ({ entries, write }) => {
      const [a] = [write(1, 0), write(2, 0)];
      entries.answered(entries.toAskFor(200), [a.line]);
      entries.prune(1500);
      entries.prune(1600);
      assert.deepEqual(
        entries.toAskFor(1600).map(({ id }) => id),
        [2n],
      );
      entries.answered(entries.toAskFor(1600), []);
      entries.prune(5500);
      entries.prune(6000);
    },
    { queryLate: 1, websocketMissing: 2, missing: 1 },
  ],
  [
    "a repetition is a duplicate, wherever it comes",
    ({ entries, write }) => {
      const a = write(1, 0);
      entries.heard(a.line, 20);
      entries.heard(a.line, 30);
      entries.answered(entries.toAskFor(200), [a.line, a.line]);
    },
    { duplicate: 1, queryDuplicate: 1 },
  ],
  [
    "an older entry after a newer one is out of order",
    ({ entries, write }) => {
      const [a, b] = [write(1, 0), write(2, 10)];
      entries.heard(b.line, 20);
      entries.heard(a.line, 30);
      entries.answered(entries.toAskFor(200), [b.line, a.line]);
    },
    { outOfOrder: 1, queryOutOfOrder: 1 },
  ],
  [
    "unless it was written with an older time",
    ({ entries, write }) => {
      const [a, b] = [write(10, 0, true), write(20, 10)];
      entries.heard(b.line, 20);
      entries.heard(a.line, 30);
    },
    {},
  ],
  [
    "a line that was changed on its way is unexpected, and so is a stranger's",
    ({ entries, write }) => {
      const a = write(1, 0);
      entries.heard(`${a.line}p`, 20);
      entries.heard("hello there", 20);
    },
    { unexpected: 2 },
  ],
  [
    "late is late, heard before or after it was given up",
    ({ entries, write }) => {
      const [a, b] = [write(1, 0), write(2, 0)];
      entries.heard(a.line, 600);
      entries.prune(1500);
      entries.heard(b.line, 1600);
    },
    { late: 2, websocketMissing: 1 },
  ],
  [
    "what may not have been stored is never missing",
    ({ entries }) => {
      const made = { id: 7n, sizeBytes: 10, nowMs: 0, isBackdated: false };
      entries.unsure([entries.write(made)!.id]);
      entries.prune(6000);
      assert.equal(entries.openCount() + entries.unheardCount(), 0);
      entries.prune(100_000);
      assert.equal(entries.watchedCount, 0);
    },
    { unsure: 1 },
  ],
];

for (const [claim, act, counts] of claims) {
  test(claim, () => {
    const watched = watch();
    act(watched);
    assert.deepEqual(watched.counts, counts);
  });
}

test("an undecided entry takes room until there is none; then none is written", () => {
  const { entries, counts } = watch();
  const at = { sizeBytes: 1, nowMs: 0, isBackdated: false };
  for (let i = 0; i < 100_000; i++) assert.ok(entries.write({ ...at, id: BigInt(i) }));
  assert.equal(entries.write({ ...at, id: 100_000n }), undefined);
  assert.deepEqual(counts, { skipped: 1 });
});

test("the expected count is of whole seconds, from the first entry on, at most the range", () => {
  const ns = 1_000_000_000n;
  const counting = new CanaryMetricTest(10);
  assert.equal(counting.range(100n * ns), undefined);
  counting.stored([100n * ns, 100n * ns + 5n, 101n * ns, 103n * ns - 1n, 103n * ns]);
  assert.equal(counting.range(102n * ns), undefined, "nothing has settled");
  assert.deepEqual(counting.range(105n * ns), { fromSecond: 100, toSecond: 103, expected: 4 });
  assert.deepEqual(counting.range(113n * ns), { fromSecond: 101, toSecond: 111, expected: 3 });
});

test("flags have one dash, as Go's, or two", () => {
  assert.deepEqual(withTwoDashes(["canary", "-addr=a", "--size", "5", "-q", "-push=false"]), [
    "canary",
    "--addr=a",
    "--size",
    "5",
    "-q",
    "--push=false",
  ]);
});

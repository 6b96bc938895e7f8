import assert from "node:assert/strict";
import { test } from "node:test";
import { day, hour, isStoreError } from "#base";
import type { StreamRetention } from "#config";
import { Labels } from "#model";
import { decideRetention, overdueMsMax } from "./retention-decision.ts";
import { RetentionPolicy } from "./retention-policy.ts";
import { decideSizes } from "./size-decision.ts";

function policy(
  periodMs: number,
  ...rules: (readonly [string, number, number])[]
): RetentionPolicy {
  const retentionStream = rules.map(
    ([selector, priority, ms]): StreamRetention => ({ selector, priority, periodMs: ms }),
  );
  return RetentionPolicy.of({ retentionPeriodMs: periodMs, retentionStream });
}

const app = Labels.from({ app: "a", env: "dev" });
const claims: readonly (readonly [string, RetentionPolicy, number])[] = [
  ["without rules the period holds", policy(day), day],
  ["a rule that selects holds", policy(day, ['{app="a"}', 1, hour]), hour],
  ["one that does not, not", policy(day, ['{app="b"}', 1, hour]), day],
  [
    "the highest priority",
    policy(day, ['{app="a"}', 1, hour], ['{env="dev"}', 2, 9 * hour]),
    9 * hour,
  ],
  [
    "of equal ones the shortest",
    policy(day, ['{app="a"}', 1, 2 * hour], ['{env="dev"}', 1, hour]),
    hour,
  ],
  ["for ever is the longest", policy(day, ['{app="a"}', 1, 0], ['{env="dev"}', 1, hour]), hour],
  ["a rule can keep for ever", policy(day, ['{app="a"}', 1, 0]), 0],
];
for (const [name, of, wanted] of claims) {
  test(`retention: ${name}`, () => assert.equal(of.periodMsOf(app), wanted));
}

test("bounds of all periods, and the name of a policy", () => {
  assert.equal(policy(0).isIdle, true);
  assert.equal(policy(day, ['{app="a"}', 1, 0]).longestMs, undefined);
  assert.equal(policy(0, ['{app="a"}', 1, hour]).shortestMs, hour);
  assert.equal(policy(day, ['{app="a"}', 1, hour]).longestMs, day);
  assert.equal(policy(day).digest, policy(day).digest);
  assert.notEqual(policy(day).digest, policy(2 * day).digest);
  assert.throws(
    () => policy(day, ["{app=", 1, hour]),
    (error) => isStoreError(error, "denied"),
  );
});

test("entries are hidden from the moment they are older than their period", () => {
  const nowMs = Date.UTC(2026, 0, 10);
  const [first, last] = policy(day, ['{app="a"}', 1, hour]).masks(nowMs);
  assert.equal(first!.range.toNs, BigInt(nowMs - hour) * 1_000_000n);
  assert.equal(last!.range.toNs, BigInt(nowMs - day) * 1_000_000n);
  assert.deepEqual([first!.selects(app), last!.selects(app)], [true, false]);
});

const keep = Number.POSITIVE_INFINITY;
const decisions: readonly (readonly [
  string,
  readonly (readonly [number, number])[],
  number,
  number,
])[] = [
  ["nothing is ever due", [[keep, 10]], keep, keep],
  [
    "all go at once",
    [
      [100, 10],
      [100, 10],
    ],
    100,
    keep,
  ],
  [
    "the last one decides when all are gone",
    [
      [100, 1],
      [200, 99],
    ],
    200,
    keep,
  ],
  [
    "half of the bytes are worth a rewrite",
    [
      [100, 50],
      [keep, 50],
    ],
    keep,
    100,
  ],
  [
    "before all of it goes",
    [
      [100, 60],
      [200, 40],
    ],
    200,
    100,
  ],
  [
    "little waits, but no longer than a day",
    [
      [100, 1],
      [keep, 99],
    ],
    keep,
    100 + overdueMsMax,
  ],
  ["an empty segment is nobody's", [], keep, keep],
];
for (const [name, runs, dropMs, rewriteMs] of decisions) {
  test(`retention decides: ${name}`, () => {
    const decision = decideRetention(runs.map(([dueMs, lineBytes]) => ({ dueMs, lineBytes })));
    assert.deepEqual(decision, { dropMs, rewriteMs });
  });
}

function sized(tenant: string, ofDay: number, storedBytes: number) {
  return { tenant, key: `${tenant}/${ofDay}`, day: ofDay, maxNs: BigInt(ofDay), storedBytes };
}

const all = [sized("a", 3, 10), sized("a", 1, 10), sized("b", 2, 10), sized("b", 4, 10)];
const sizes: readonly (readonly [
  string,
  number,
  Record<string, number>,
  Record<string, string>,
])[] = [
  ["no limit", 0, {}, {}],
  ["at the limit nothing goes", 40, { a: 20 }, {}],
  ["one byte past it the oldest goes", 0, { a: 19 }, { "a/1": "tenant size" }],
  ["in total the oldest day of any tenant", 39, {}, { "a/1": "total size" }],
  ["both", 15, { b: 10 }, { "b/2": "tenant size", "a/1": "total size", "a/3": "total size" }],
];
for (const [name, totalBytesMax, of, wanted] of sizes) {
  test(`retention by size: ${name}`, () => {
    const going = decideSizes(all, { totalBytesMax, tenantBytesMax: (tenant) => of[tenant] ?? 0 });
    assert.deepEqual(Object.fromEntries(going), wanted);
  });
}

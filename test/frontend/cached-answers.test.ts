import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SimulatedDisk } from "#world";
import { randomEntry, randomMetricQuery, second } from "../query/random-query.ts";
import { LivingStore, rangeRequest } from "./living-store.ts";
import { assertSameAnswer } from "./same-answer.ts";

const ms = 1_000_000n;
const nowMs = 3_600_000;
const asked = fc.record({
  fromNs: fc.bigInt(-30n, 70n).map((time) => time * second + 7n * ms),
  lengthNs: fc.bigInt(0n, 140n).map((time) => time * second),
  stepNs: fc.constantFrom(undefined, 250n * ms, 500n * ms, second, 1700n * ms, 5n * second),
  splitMs: fc.constantFrom(5_000, 10_000, 30_000),
});

test("an answer put together from pieces is that of the engine", async () => {
  const property = fc.asyncProperty(
    fc.array(randomEntry, { maxLength: 60 }),
    randomMetricQuery,
    fc.array(asked, { minLength: 2, maxLength: 5 }),
    fc.constantFrom(["t"], ["t", "u"]),
    async (entries, text, questions, tenants) => {
      const store = new LivingStore({ nowMs });
      store.push(entries.slice(0, 40));
      store.flush();
      store.push(entries.slice(40));
      const engines = { plain: store.engine, frontend: await store.newFrontend() };
      for (const { fromNs, lengthNs, stepNs, splitMs } of questions) {
        const limits = { splitQueriesByIntervalMs: splitMs };
        const toNs = fromNs + lengthNs;
        const request = rangeRequest({ text, tenants, fromNs, toNs, stepNs, limits });
        await assertSameAnswer(engines, request);
      }
    },
  );
  await fc.assert(property, { seed: 28, numRuns: 250 });
});

const minute = 60n * second;
const hour = 60n * minute;
const ranges = ["[1m]", "[10m]", "[1h]", "[3h]", "[10m] offset 1h", "[10m] offset -20m"];
const functions = [
  'count_over_time({app=~".+"} RANGE)',
  'sum by (app) (rate({app=~".+"} |= "a" RANGE))',
  'topk(1, bytes_over_time({app=~".+"} RANGE))',
  'absent_over_time({app="b"} RANGE)',
  'sum(count_over_time({app="a"} RANGE)) / sum(count_over_time({app=~".+"} [30m]))',
  'max_over_time({app="a"} | logfmt | unwrap n RANGE) by (app)',
];
const entryNow = fc.record({
  tenant: fc.constantFrom("t", "t", "u"),
  labels: fc.constantFrom<Record<string, string>[]>({ app: "a" }, { app: "b", x: "1" }),
  line: fc.integer({ min: 0, max: 99 }).map((n) => `n=${n} a`),
});
const query = fc.record({
  text: fc
    .tuple(fc.constantFrom(...functions), fc.constantFrom(...ranges))
    .map(([fn, range]) => fn.replace("RANGE", range)),
  tenants: fc.constantFrom(["t"], ["u"], ["t", "u"]),
  stepNs: fc.constantFrom(minute, 2n * minute),
  lookbackMs: fc.constantFrom(0, 0, 3 * 3_600_000),
  splitMs: fc.constantFrom(1_200_000, 3_600_000),
});
const push = fc.record({
  kind: fc.constant("push" as const),
  entry: entryNow,
  ageMinutes: fc.constantFrom(0, 1, 5, 30, 90, 200),
});
const ask = fc.record({
  kind: fc.constant("query" as const),
  which: fc.nat(1),
  hours: fc.constantFrom(4n, 4n, 6n, 24n),
});
const step = fc.oneof(
  { weight: 3, arbitrary: push },
  { weight: 6, arbitrary: ask },
  { weight: 1, arbitrary: fc.constant({ kind: "flush" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), digit: fc.nat(9) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("restart" as const), flushes: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      minutes: fc.constantFrom(1, 10, 60),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Query = typeof query extends fc.Arbitrary<infer T> ? T : never;

/** Goes through the steps, and compares each answer of the frontend with the engine's. */
async function live(
  store: LivingStore,
  queries: readonly Query[],
  steps: readonly Step[],
): Promise<void> {
  let frontend = await store.newFrontend();
  for (const one of steps) {
    const nowNs = store.clock.nowNs();
    switch (one.kind) {
      case "push":
        store.push([{ ...one.entry, timeNs: nowNs - BigInt(one.ageMinutes) * minute }]);
        break;
      case "flush":
        store.flush();
        break;
      case "delete":
        store.compact(({ line }) => !line.includes(String(one.digit)));
        break;
      case "restart":
        await frontend.close();
        if (one.flushes) store.flush();
        store.restart();
        frontend = await store.newFrontend();
        break;
      case "wait":
        await store.clock.advanceAndSettle(one.minutes * 60_000);
        break;
      case "query": {
        const { text, tenants, stepNs, lookbackMs, splitMs } = queries[one.which]!;
        const range = { fromNs: nowNs - one.hours * hour, toNs: nowNs };
        const limits = { maxQueryLookbackMs: lookbackMs, splitQueriesByIntervalMs: splitMs };
        const request = rangeRequest({ text, tenants, ...range, stepNs, limits });
        await assertSameAnswer({ plain: store.engine, frontend }, request);
        break;
      }
      default:
        one satisfies never;
    }
  }
  await frontend.close();
}

test("late entries, deletes and restarts never leave an old answer", async () => {
  const found = { memory: 0, disk: 0, stale: 0 };
  const property = fc.asyncProperty(
    fc.tuple(query, query),
    fc.array(step, { minLength: 20, maxLength: 40, size: "max" }),
    async (queries, steps) => {
      const store = new LivingStore({ nowMs: 1_760_000_123_456, disk: new SimulatedDisk() });
      await live(store, queries, steps);
      for (const name of ["memory", "disk", "stale"] as const) {
        found[name] += await store.lookups(name);
      }
    },
  );
  await fc.assert(property, { seed: 280, numRuns: 60 });
  // Else it would have shown nothing.
  for (const [name, count] of Object.entries(found)) assert.ok(count > 100, `${name}: ${count}`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueryRequest } from "#query";
import { SimulatedDisk } from "#world";
import type { PlainEntry } from "../support/memory-log-store.ts";
import { LivingStore, rangeRequest } from "./living-store.ts";
import { assertSameAnswer } from "./same-answer.ts";

const minute = 60_000_000_000n;
const hour = 60n * minute;
const nowMs = 1_760_000_000_000;
const nowNs = BigInt(nowMs) * 1_000_000n;

function entryAt(timeNs: bigint, line = "n=1"): PlainEntry {
  return { tenant: "t", labels: { app: "a" }, timeNs, line };
}

/** An entry each minute of the last six hours, all in a segment. */
function sixHours(options: { disk?: SimulatedDisk } = {}): LivingStore {
  const store = new LivingStore({ nowMs, ...options });
  store.push(Array.from({ length: 360 }, (_, i) => entryAt(nowNs - BigInt(i) * minute)));
  store.flush();
  return store;
}

function lastHours(hours: bigint, rest: Partial<QueryRequest> = {}): QueryRequest {
  const range = { fromNs: nowNs - hours * hour, toNs: nowNs };
  const text = 'sum(count_over_time({app="a"} |= "n" [5m]))';
  return rangeRequest({ text, ...range, stepNs: minute, ...rest });
}

test("asked again, only what is open is computed", async () => {
  const store = sixHours();
  const frontend = await store.newFrontend();
  const cold = await frontend.run(lastHours(6n));
  const warm = await frontend.run(lastHours(6n));
  assert.deepEqual(warm.data, cold.data);
  assert.equal(cold.stats.linesProcessed, 360);
  assert.ok(warm.stats.linesProcessed < 80, `${warm.stats.linesProcessed} lines`);
  const part = await frontend.run(lastHours(3n));
  assert.ok(part.stats.linesProcessed < 80, `${part.stats.linesProcessed} lines`);
});

test("a closed range asked again reads nothing and takes no turn", async () => {
  const store = sixHours();
  const frontend = await store.newFrontend();
  const closed = lastHours(6n, { toNs: nowNs - 2n * hour });
  const cold = await frontend.run(closed);
  store.executions = 0;
  const warm = await frontend.run(closed);
  assert.equal(store.executions, 0);
  assert.deepEqual(warm.data, cold.data);
  assert.equal(warm.stats.bytesProcessed, 0);
});

test("a late entry makes its own interval be computed, and no other", async () => {
  const store = sixHours();
  const frontend = await store.newFrontend();
  const closed = lastHours(6n, { toNs: nowNs - 2n * hour });
  await frontend.run(closed);
  store.push([entryAt(nowNs - 4n * hour - 20n * minute, "n=late")]);
  store.executions = 0;
  const { stats } = await frontend.run(closed);
  assert.equal(store.executions, 1);
  assert.ok(stats.linesProcessed < 100, `${stats.linesProcessed} lines`);
  await assertSameAnswer({ plain: store.engine, frontend }, closed);
});

test("an entry that comes while a query runs leaves nothing remembered of its interval", async () => {
  const store = sixHours();
  const frontend = await store.newFrontend();
  const closed = lastHours(6n, { toNs: nowNs - 2n * hour });
  store.onExecution = () => {
    store.onExecution = () => {};
    queueMicrotask(() => store.push([entryAt(nowNs - 4n * hour + 1n, "n=late")]));
  };
  await frontend.run(closed);
  await assertSameAnswer({ plain: store.engine, frontend }, closed);
});

test("after a restart the disk answers, for the same generation only", async () => {
  const disk = new SimulatedDisk();
  const store = sixHours({ disk });
  const closed = lastHours(6n, { toNs: nowNs - 2n * hour });
  const first = await store.newFrontend();
  await first.run(closed);
  await first.close();
  store.restart();
  store.executions = 0;
  const second = await store.newFrontend();
  await assertSameAnswer({ plain: store.engine, frontend: second }, closed);
  assert.equal(store.executions, 0);
  await second.close();
  const upgraded = await store.newFrontend("2");
  await upgraded.run(closed);
  assert.equal(store.executions, 1);
  await upgraded.close();
});

test("spoiled files change no answer", async () => {
  const disk = new SimulatedDisk();
  const store = sixHours({ disk });
  const closed = lastHours(6n, { toNs: nowNs - 2n * hour });
  const first = await store.newFrontend();
  await first.run(closed);
  await first.close();
  const files = await disk.list("/cache/pieces");
  assert.ok(files.length >= 4);
  for (const [i, { name }] of files.entries()) disk.corrupt(`/cache/pieces/${name}`, i * 13);
  const second = await store.newFrontend();
  await assertSameAnswer({ plain: store.engine, frontend: second }, closed);
  await second.close();
  assert.equal(await store.lookups("corrupt"), files.length);
});

test("who asks to compute anew neither uses nor leaves anything", async () => {
  const store = sixHours();
  const frontend = await store.newFrontend();
  const anew = lastHours(6n, { bypassCache: true });
  await frontend.run(anew);
  const cold = await frontend.run(lastHours(6n));
  assert.equal(cold.stats.linesProcessed, 360);
  const again = await frontend.run(anew);
  assert.equal(again.stats.linesProcessed, 360);
});

const refused: readonly (readonly [string, Partial<QueryRequest>])[] = [
  ["a limit of zero", { limit: 0 }],
  ["a step that is too small", { stepNs: 1_000_000n }],
  ["a pipeline error", { text: 'sum_over_time({app="a"} | unwrap missing_ [5m])' }],
  ["an error in one line", { text: 'sum(sum_over_time({app="a"} | logfmt | unwrap n [5m]))' }],
  ["a range that is too long", { limits: rangeLimits({ maxQueryLengthMs: 3_600_000 }) }],
  [
    "too many series",
    {
      text: 'count_over_time({app="a"} | logfmt [5m])',
      limits: rangeLimits({ maxQuerySeries: 3 }),
    },
  ],
  [
    "a blocked query",
    {
      limits: rangeLimits({ blockedQueries: [{ pattern: "", regex: false, types: [], hash: 0 }] }),
    },
  ],
];

function rangeLimits(limits: Partial<QueryRequest["limits"]>): QueryRequest["limits"] {
  return rangeRequest({ text: "", fromNs: 0n, toNs: 0n, limits }).limits;
}

for (const [what, asked] of refused) {
  test(`${what} is refused in the engine's words, also when pieces are remembered`, async () => {
    const store = sixHours();
    const frontend = await store.newFrontend();
    store.push([entryAt(nowNs - 5n * hour, "n=x"), entryAt(nowNs - minute, "n=2")]);
    store.push([entryAt(nowNs - 3n * hour, "n=3"), entryAt(nowNs - 2n * hour, "n=4")]);
    const closed = lastHours(4n, { ...asked, toNs: nowNs - 2n * hour });
    await frontend.run(closed).catch(() => {});
    await assertSameAnswer({ plain: store.engine, frontend }, lastHours(6n, asked));
  });
}

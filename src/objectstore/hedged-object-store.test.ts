import assert from "node:assert/strict";
import test from "node:test";
import { isStoreError, StoreError } from "#base";
import { ManualClock } from "#world";
import { HedgedObjectStore, type HedgeOptions } from "./hedged-object-store.ts";
import { MemoryObjectStore } from "./memory-object-store.ts";
import type { GetOptions } from "./object-store.ts";

/** Answers get number n after `delaysMs[n]`; a negative delay fails after so long. */
class SlowStore extends MemoryObjectStore {
  readonly clock: ManualClock;
  readonly delaysMs: number[];
  askedAtMs: number[] = [];
  abortedCount = 0;

  constructor(clock: ManualClock, delaysMs: number[]) {
    super({ nowMs: () => clock.nowMs() });
    this.clock = clock;
    this.delaysMs = delaysMs;
  }

  override async get(key: string, options?: GetOptions): Promise<Buffer> {
    this.askedAtMs.push(this.clock.monotonicMs());
    const delayMs = this.delaysMs[this.askedAtMs.length - 1] ?? 10;
    options?.signal?.addEventListener("abort", () => this.abortedCount++);
    await this.clock.sleep(Math.abs(delayMs), options?.signal);
    if (delayMs < 0) throw new StoreError("unavailable", "slow and failed");
    return super.get(key);
  }
}

async function open(
  delaysMs: number[],
  options: Partial<HedgeOptions>,
): Promise<{ inner: SlowStore; store: HedgedObjectStore; clock: ManualClock }> {
  const clock = new ManualClock({ nowMs: 0 });
  const inner = new SlowStore(clock, delaysMs);
  await inner.put("k", Buffer.from("body"));
  return { inner, store: new HedgedObjectStore(inner, { clock, delayMs: 100, ...options }), clock };
}

test("a slow get is asked for again; the first answer counts, the other is aborted", async () => {
  const won: boolean[] = [];
  const onHedge = (hedge: { won: boolean }): number => won.push(hedge.won);
  const { inner, store, clock } = await open([5_000, 20], { onHedge });
  const getting = store.get("k");
  await clock.advanceAndSettle(120);
  assert.equal((await getting).toString(), "body");
  assert.deepEqual(inner.askedAtMs, [0, 100]);
  assert.equal(inner.abortedCount, 1);
  assert.deepEqual(won, [true]);
  assert.equal(clock.pendingCount, 0);
});

test("a quick get is asked for once", async () => {
  const { inner, store, clock } = await open([99], {});
  const getting = store.get("k");
  await clock.advanceAndSettle(99);
  await getting;
  await clock.advanceAndSettle(1_000);
  assert.equal(inner.askedAtMs.length, 1);
});

test("no more than upTo at a time", async () => {
  for (const [upTo, want] of [
    [1, [0]],
    [2, [0, 100]],
    [3, [0, 100, 200]],
  ] as const) {
    const { inner, store, clock } = await open([5_000, 5_000, 5_000, 5_000], { upTo });
    const getting = store.get("k");
    await clock.advanceAndSettle(6_000);
    await getting;
    assert.deepEqual(inner.askedAtMs, want);
  }
});

test("additional requests are bounded by the second", async () => {
  const { inner, store, clock } = await open(Array(40).fill(2_000), { perSecondMax: 3 });
  const getting = Promise.all(Array.from({ length: 10 }, () => store.get("k")));
  await clock.advanceAndSettle(3_000);
  await getting;
  assert.equal(inner.askedAtMs.length, 10 + 3);
});

test("a failure counts only when no other request is under way, unless the store has spoken", async () => {
  const { store, clock } = await open([-150, 200], {});
  const getting = store.get("k");
  await clock.advanceAndSettle(400);
  assert.equal((await getting).toString(), "body");
  const failing = await open([-50], {});
  const gettingOnce = assert.rejects(failing.store.get("k"), /slow and failed/);
  await failing.clock.advanceAndSettle(50);
  await gettingOnce;
  const missing = await open([150, 5_000], {});
  const gettingNone = assert.rejects(missing.store.get("none"), (error) =>
    isStoreError(error, "missing"),
  );
  await missing.clock.advanceAndSettle(150);
  await gettingNone;
});

test("the delay follows the percentile of what gets took", async () => {
  const delays = Array.from({ length: 64 }, (_, i) => (i % 20 === 0 ? 90 : 30));
  const { inner, store, clock } = await open([...delays, 5_000, 10], {
    delayMs: 20,
    percentile: 0.9,
    upTo: 2,
    perSecondMax: 0,
  });
  for (let i = 0; i < 32; i++) {
    const getting = store.get("k");
    await clock.advanceAndSettle(200);
    await getting;
  }
  inner.askedAtMs = Array(64).fill(0);
  const startMs = clock.monotonicMs();
  const getting = store.get("k");
  await clock.advanceAndSettle(500);
  await getting;
  const hedgedAfterMs = inner.askedAtMs[65]! - startMs;
  assert.ok(hedgedAfterMs >= 20 && hedgedAfterMs <= 90, `${hedgedAfterMs} ms`);
});

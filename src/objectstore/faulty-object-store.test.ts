import assert from "node:assert/strict";
import test from "node:test";
import { isStoreError } from "#base";
import { ManualClock, seededRandom } from "#world";
import { FaultyObjectStore, type ObjectStoreFaults } from "./faulty-object-store.ts";
import { MemoryObjectStore } from "./memory-object-store.ts";
import { listed, objectStoreContract } from "./object-store.contract.ts";
import { ThrottledError } from "./throttled-error.ts";

function faulty(faults: ObjectStoreFaults): { store: FaultyObjectStore; clock: ManualClock } {
  const clock = new ManualClock({ nowMs: 1_000 });
  const inner = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  const random = seededRandom(7);
  return { store: new FaultyObjectStore(inner, { clock, random, faults }), clock };
}

objectStoreContract("without faults", async () => ({
  store: faulty({}).store,
  close: async () => undefined,
}));

test("the same seed fails the same calls", async () => {
  const run = async (): Promise<string> => {
    const { store } = faulty({ errorRate: 0.3 });
    let outcome = "";
    for (let i = 0; i < 40; i++) {
      outcome += await store.put(`k${i}`, Buffer.from("x")).then(
        () => ".",
        (error) => (isStoreError(error, "unavailable") ? "!" : "?"),
      );
    }
    return outcome;
  };
  const outcome = await run();
  assert.match(outcome, /^[.!]*$/);
  assert.ok(outcome.includes("!") && outcome.includes("."));
  assert.equal(await run(), outcome);
});

test("a lost answer leaves the object put", async () => {
  const { store } = faulty({ lostAnswerRate: 1 });
  await assert.rejects(store.put("k", Buffer.from("x")), (error) =>
    isStoreError(error, "unavailable"),
  );
  assert.equal((await store.get("k")).toString(), "x");
});

test("a partial read is an error, never short data", async () => {
  const { store } = faulty({});
  for (let i = 0; i < 20; i++) await store.put(`k${i}`, Buffer.from("0123456789"));
  store.faults = { partialReadRate: 1 };
  const isCut = (error: unknown): boolean =>
    isStoreError(error, "unavailable") && /cut of the connection/.test(error.message);
  await assert.rejects(store.get("k0"), isCut);
  await assert.rejects(listed(store.list("")), isCut);
});

test("SlowDown says when to come back; other kinds of errors can be had", async () => {
  const { store } = faulty({ throttleRate: 1, retryAfterMs: 700 });
  const isThrottled = (error: unknown): boolean =>
    error instanceof ThrottledError && error.retryAfterMs === 700;
  await assert.rejects(store.head("k"), isThrottled);
  store.faults = { errorRate: 1, errorKind: "full" };
  await assert.rejects(store.put("k", Buffer.alloc(1)), (error) => isStoreError(error, "full"));
});

test("an outage ends", async () => {
  const { store, clock } = faulty({ outages: [{ fromMs: 1_000, toMs: 3_000 }] });
  const isDown = (error: unknown): boolean => isStoreError(error, "unavailable");
  await assert.rejects(store.listFolders(""), isDown);
  clock.advance(1_999);
  await assert.rejects(store.get("k"), isDown);
  clock.advance(1);
  assert.deepEqual(await store.listFolders(""), []);
});

test("a call that hangs ends with an abort", async () => {
  const { store } = faulty({ hangRate: 1 });
  const controller = new AbortController();
  const getting = store.get("k", { signal: controller.signal });
  controller.abort("stop");
  await assert.rejects(getting, (reason) => reason === "stop");
});

test("latency passes on the clock and ends with an abort", async () => {
  const { store, clock } = faulty({ latencyMsMax: 100 });
  const putting = store.put("k", Buffer.from("x"));
  assert.equal(clock.pendingCount, 1);
  await clock.advanceAndSettle(100);
  await putting;
  const controller = new AbortController();
  const getting = store.get("k", { signal: controller.signal });
  controller.abort("stop");
  await assert.rejects(getting, (reason) => reason === "stop");
});

test("a listing lags behind puts and deletes", async () => {
  const { store, clock } = faulty({ listLagMs: 50 });
  await store.put("k", Buffer.from("x"));
  assert.equal((await listed(store.list(""))).length, 0);
  clock.advance(50);
  assert.equal((await listed(store.list(""))).length, 1);
  await store.delete("k");
  assert.equal(await store.head("k"), undefined);
  assert.equal((await listed(store.list(""))).length, 1);
  assert.equal((await listed(store.list("", { startAfter: "k" }))).length, 0);
  clock.advance(50);
  assert.equal((await listed(store.list(""))).length, 0);
});

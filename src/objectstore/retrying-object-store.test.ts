import assert from "node:assert/strict";
import test from "node:test";
import { isStoreError } from "#base";
import { ManualClock, seededRandom } from "#world";
import { FaultyObjectStore, type ObjectStoreFaults } from "./faulty-object-store.ts";
import { MemoryObjectStore } from "./memory-object-store.ts";
import { listed } from "./object-store.contract.ts";
import {
  type ObjectStoreRetry,
  RetryingObjectStore,
  type RetryOptions,
} from "./retrying-object-store.ts";

interface Fixture {
  readonly store: RetryingObjectStore;
  readonly faulty: FaultyObjectStore;
  readonly clock: ManualClock;
  readonly retries: ObjectStoreRetry[];
  /** Lets time pass until the call has ended. */
  readonly settled: <T>(call: Promise<T>) => Promise<T>;
}

function open(faults: ObjectStoreFaults, options: RetryOptions): Fixture {
  const clock = new ManualClock({ nowMs: 0 });
  const inner = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  const random = seededRandom(3);
  const faulty = new FaultyObjectStore(inner, { clock, random, faults });
  const retries: ObjectStoreRetry[] = [];
  const onRetry = (retry: ObjectStoreRetry): number => retries.push(retry);
  const store = new RetryingObjectStore(faulty, { ...options, clock, random, onRetry });
  const settled = async <T>(call: Promise<T>): Promise<T> => {
    let isSettled = false;
    const mark = (): void => void (isSettled = true);
    call.then(mark, mark);
    for (let step = 0; step < 10_000 && !isSettled; step++) await clock.advanceAndSettle(10);
    return call;
  };
  return { store, faulty, clock, retries, settled };
}

const body = Buffer.from("body");

test("a store that is down is asked so often and no more, with longer and longer pauses", async () => {
  const { store, retries, settled, clock } = open({ errorRate: 1 }, { attemptsMax: 5 });
  await assert.rejects(settled(store.put("k", body)), (error) => {
    assert.ok(isStoreError(error, "unavailable"));
    assert.match(error.message, /injected error \(tried 5 times in \d+ ms\)/);
    return true;
  });
  assert.deepEqual(
    retries.map(({ operation, attempt }) => `${operation} ${attempt}`),
    ["put 1", "put 2", "put 3", "put 4"],
  );
  for (const [at, { pauseMs }] of retries.entries()) {
    const wholeMs = 100 * 2 ** at;
    assert.ok(pauseMs >= wholeMs / 2 && pauseMs <= wholeMs, `${at}: ${pauseMs} ms`);
  }
  assert.equal(clock.pendingCount, 0);
});

test("an outage shorter than the tries is not noticed", async () => {
  const { store, settled } = open({ outages: [{ fromMs: 0, toMs: 250 }] }, {});
  await settled(store.put("k", body));
  assert.deepEqual(await store.get("k"), body);
});

test("only what may pass is tried again", async () => {
  for (const errorKind of ["denied", "full", "missing", "corrupt"] as const) {
    const { store, retries } = open({ errorRate: 1, errorKind }, {});
    await assert.rejects(store.get("k"), (error) => isStoreError(error, errorKind));
    assert.equal(retries.length, 0, errorKind);
  }
});

test("a server's retry-after is heeded, but not beyond the time there is", async () => {
  const patient = open({ throttleRate: 1, retryAfterMs: 5_000 }, { attemptsMax: 2 });
  await assert.rejects(patient.settled(patient.store.get("k")));
  assert.deepEqual(
    patient.retries.map(({ pauseMs }) => pauseMs),
    [5_000],
  );
  const hurried = open({ throttleRate: 1, retryAfterMs: 5_000 }, { totalMsMax: 4_999 });
  await assert.rejects(hurried.store.get("k"), /injected SlowDown$/);
});

test("a call that hangs is aborted and tried again", async () => {
  const { store, faulty, settled, retries } = open({}, { attemptMsMax: 1_000 });
  await store.put("k", body);
  faulty.faults = { hangRate: 0.5 };
  for (let i = 0; i < 10; i++) assert.equal(await settled(store.head("k")).then(Boolean), true);
  assert.ok(retries.length > 3);
  assert.match(retries[0]!.error.message, /no answer within 1000 ms/);
});

test("a body gets the time that its bytes need", async () => {
  const { store, settled, clock } = open({ hangRate: 1 }, { attemptMsMax: 100, attemptsMax: 1 });
  const range = { from: 0, to: 3 << 20 };
  await assert.rejects(settled(store.get("k", { range })), /no answer within 3100 ms/);
  assert.ok(clock.monotonicMs() >= 3_100);
});

test("a listing that breaks off goes on behind the last key, each key once", async () => {
  const { store, faulty, settled, retries } = open({}, { attemptsMax: 50 });
  const keys = Array.from({ length: 200 }, (_, i) => `k${i + 100}`);
  for (const key of keys) await store.put(key, body);
  faulty.faults = { partialReadRate: 0.9, errorRate: 0.2 };
  const got = await settled(listed(store.list("k")));
  assert.deepEqual(
    got.map(({ key }) => key),
    keys,
  );
  assert.ok(retries.length > 10);
});

test("a listing that hangs is aborted and tried again; a slow reader is not hurried", async () => {
  const options = { attemptMsMax: 1_000, attemptsMax: 30 };
  const { store, faulty, settled, retries, clock } = open({}, options);
  for (const key of ["a", "b", "c"]) await store.put(key, body);
  faulty.faults = { hangRate: 0.6 };
  for (let i = 0; i < 5; i++) assert.equal((await settled(listed(store.list("")))).length, 3);
  assert.ok(retries.length > 0);
  assert.match(retries[0]!.error.message, /list : no answer within 1000 ms/);
  faulty.faults = {};
  const retriesBefore = retries.length;
  for await (const _info of store.list("")) await clock.advanceAndSettle(5_000);
  assert.equal(retries.length, retriesBefore);
  assert.equal(clock.pendingCount, 0);
});

test("an abort ends the pause", async () => {
  const { store, clock } = open({ errorRate: 1 }, {});
  const controller = new AbortController();
  const getting = store.get("k", { signal: controller.signal });
  await clock.advanceAndSettle(0);
  controller.abort("stop");
  await assert.rejects(getting, (reason) => reason === "stop");
});

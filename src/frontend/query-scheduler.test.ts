import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RequestError } from "#base";
import { ManualClock } from "#world";
import { QueryScheduler, type SchedulerOptions, type Turn } from "./query-scheduler.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Asks for turns by name, and tells in which order they came. */
class Bench {
  readonly clock = new ManualClock({ nowMs: 0 });
  readonly refused: string[] = [];
  readonly scheduler: QueryScheduler;
  readonly started: string[] = [];
  readonly failed: string[] = [];
  readonly #turns = new Map<string, Turn>();
  readonly #controllers = new Map<string, AbortController>();

  constructor(options: Partial<SchedulerOptions> = {}) {
    this.scheduler = new QueryScheduler({
      clock: this.clock,
      runningMax: 1,
      smallBytesMax: 100,
      inFlightBytesMax: 1000,
      outstandingPerTenantMax: 10,
      patienceMs: 10_000,
      observer: { waited: () => {}, refused: (tenant) => this.refused.push(tenant) },
      ...options,
    });
  }

  /** `a1:500` is query a1 of tenant a, which reads 500 bytes. */
  async ask(text: string, waitMsMax = 0): Promise<void> {
    const [name = "", bytes = "0"] = text.split(":");
    const controller = new AbortController();
    this.#controllers.set(name, controller);
    const { signal } = controller;
    const request = { tenant: name[0]!, estimateBytes: Number(bytes), signal, waitMsMax };
    this.scheduler.turn(request).then(
      (turn) => {
        this.started.push(name);
        this.#turns.set(name, turn);
      },
      (error: unknown) => {
        this.failed.push(`${name} ${error instanceof RequestError ? error.status : String(error)}`);
      },
    );
    await settle();
  }

  async end(name: string, readBytes?: number): Promise<void> {
    const turn = this.#turns.get(name);
    assert(turn !== undefined, `${name} does not run`);
    if (readBytes !== undefined) turn.settle(readBytes);
    turn[Symbol.dispose]();
    await settle();
  }

  async cancel(name: string): Promise<void> {
    this.#controllers.get(name)!.abort();
    await settle();
  }

  queueTimeMs(name: string): number | undefined {
    return this.#turns.get(name)?.queueTimeMs;
  }
}

const orders: readonly {
  claim: string;
  options?: Partial<SchedulerOptions>;
  asked: readonly string[];
  order: readonly string[];
}[] = [
  {
    claim: "queries of one tenant come in order",
    asked: ["a0", "a1", "a2", "a3"],
    order: ["a0", "a1", "a2", "a3"],
  },
  {
    claim: "tenants take turns however many queries one has",
    asked: ["a0", "a1", "a2", "a3", "b1", "b2", "c1"],
    order: ["a0", "b1", "c1", "a1", "b2", "a2", "a3"],
  },
  {
    claim: "small ones come before large ones",
    asked: ["a0", "a1:500", "a2:500", "b1:500", "b2:10", "a3:100"],
    order: ["a0", "b2", "a3", "a1", "b1", "a2"],
  },
  {
    claim: "a tenant of large queries gets fewer turns",
    options: { smallBytesMax: 1e12, inFlightBytesMax: 1e12 },
    asked: ["a0:4000000", "a1:4000000", "a2:4000000", "b1:1", "b2:1", "b3:1", "b4:1", "b5:1"],
    order: ["a0", "b1", "b2", "b3", "b4", "a1", "b5", "a2"],
  },
];

for (const { claim, options, asked, order } of orders) {
  test(claim, async () => {
    const bench = new Bench(options);
    for (const text of asked) await bench.ask(text);
    for (let i = 0; i < order.length; i++) await bench.end(bench.started[i]!);
    assert.deepEqual(bench.started, order);
    assert.ok(bench.scheduler.isIdle);
  });
}

test("so many run at once, and no more", async () => {
  const bench = new Bench({ runningMax: 3 });
  for (const text of ["a1", "a2", "a3", "a4"]) await bench.ask(text);
  assert.deepEqual(bench.started, ["a1", "a2", "a3"]);
  await bench.end("a2");
  assert.deepEqual(bench.started, ["a1", "a2", "a3", "a4"]);
});

test("a tenant that has none running does not wait for another's queries to end", async () => {
  const bench = new Bench({ runningMax: 2, beyondMax: 2 });
  for (const text of ["a1", "a2", "a3", "b1:500", "b2", "b3", "c1", "d1"]) await bench.ask(text);
  assert.deepEqual(bench.started, ["a1", "a2", "b2", "c1"]);
  await bench.end("b2");
  assert.deepEqual(bench.started.slice(4), ["d1"]);
});

test("large queries are bounded by bytes and leave a place to small ones", async () => {
  const bench = new Bench({ runningMax: 4 });
  for (const text of ["a1:600", "b1:500", "c1:400", "d1:10", "d2:10"]) await bench.ask(text);
  // 600 and 500 do not go together; c1, which would fit, does not pass b1.
  assert.deepEqual(bench.started, ["a1", "d1", "d2"]);
  assert.equal(bench.scheduler.inFlightBytes, 600);
  await bench.end("a1");
  assert.deepEqual(bench.started, ["a1", "d1", "d2", "b1", "c1"]);
  assert.equal(bench.scheduler.inFlightBytes, 900);
});

test("a query larger than all that may be in flight runs alone", async () => {
  const bench = new Bench({ runningMax: 4 });
  for (const text of ["a1:5000", "b1:200", "c1:5"]) await bench.ask(text);
  assert.deepEqual(bench.started, ["a1", "c1"]);
});

test("one of several places is never taken by a large query", async () => {
  const bench = new Bench({ runningMax: 3, inFlightBytesMax: 1e9 });
  for (const text of ["a1:200", "b1:200", "c1:200"]) await bench.ask(text);
  assert.deepEqual(bench.started, ["a1", "b1"]);
  await bench.ask("d1:1");
  assert.deepEqual(bench.started, ["a1", "b1", "d1"]);
});

test("a large query that waited for long comes before small ones", async () => {
  const bench = new Bench();
  for (const text of ["a0", "b1:500", "a1", "a2"]) await bench.ask(text);
  await bench.clock.advanceAndSettle(9_999);
  await bench.end("a0");
  await bench.clock.advanceAndSettle(1);
  await bench.end("a1");
  assert.deepEqual(bench.started, ["a0", "a1", "b1"]);
  assert.equal(bench.queueTimeMs("b1"), 10_000);
});

test("what a query really read is what its tenant pays", async () => {
  const bench = new Bench();
  for (const text of ["a0", "a1", "a2", "b1", "b2", "b3"]) await bench.ask(text);
  await bench.end("a0", 10_000_000);
  for (const name of ["b1", "b2", "b3"]) await bench.end(name);
  assert.deepEqual(bench.started, ["a0", "b1", "b2", "b3", "a1"]);
});

test("a pause earns no credit", async () => {
  const bench = new Bench();
  await bench.ask("b0");
  for (let i = 1; i < 9; i++) {
    await bench.ask(`b${i}`);
    await bench.end(`b${i - 1}`);
  }
  for (const text of ["b9", "c1", "c2", "c3"]) await bench.ask(text);
  await bench.end("b8");
  await bench.end(bench.started.at(-1)!);
  await bench.end(bench.started.at(-1)!);
  assert.deepEqual(bench.started.slice(9).sort(), ["b9", "c1", "c2"]);
});

test("too many of one tenant: 429 at once, with a time to come back; others are not hit", async () => {
  const bench = new Bench({ outstandingPerTenantMax: 2 });
  for (const text of ["a0", "a1", "a2:900", "a3", "b1"]) await bench.ask(text);
  assert.deepEqual(bench.failed, ["a3 429"]);
  assert.deepEqual(bench.refused, ["a"]);
  assert.throws(
    () => bench.scheduler.checkRoom("a"),
    (error: unknown) =>
      error instanceof RequestError &&
      error.message === "too many outstanding requests" &&
      error.retryAfterSeconds === 5,
  );
  await bench.end("a0");
  await bench.end(bench.started.at(-1)!);
  await bench.ask("a4");
  assert.deepEqual(bench.failed, ["a3 429"]);
});

test("who leaves while waiting frees the place, and the next one comes", async () => {
  const bench = new Bench({ outstandingPerTenantMax: 2 });
  for (const text of ["a0", "a1", "a2"]) await bench.ask(text);
  await bench.cancel("a1");
  assert.deepEqual(bench.failed, ["a1 499"]);
  await bench.ask("a3");
  await bench.end("a0");
  assert.deepEqual(bench.started, ["a0", "a2"]);
});

test("a large query that leaves lets those behind it pass", async () => {
  const bench = new Bench({ runningMax: 4 });
  for (const text of ["a1:600", "b1:500", "c1:400"]) await bench.ask(text);
  assert.deepEqual(bench.started, ["a1"]);
  await bench.cancel("b1");
  assert.deepEqual(bench.started, ["a1", "c1"]);
});

test("who is cancelled before asking has no turn", async () => {
  const { scheduler } = new Bench();
  const signal = AbortSignal.abort();
  const turn = scheduler.turn({ tenant: "a", estimateBytes: 0, signal, waitMsMax: 0 });
  await assert.rejects(turn, { status: 499 });
  assert.ok(scheduler.isIdle);
});

test("a turn that does not come in time is a 504", async () => {
  const bench = new Bench();
  await bench.ask("a0");
  await bench.ask("a1", 5_000);
  await bench.clock.advanceAndSettle(4_999);
  assert.deepEqual(bench.failed, []);
  await bench.clock.advanceAndSettle(1);
  assert.deepEqual(bench.failed, ["a1 504"]);
  await bench.end("a0");
  assert.ok(bench.scheduler.isIdle);
  assert.equal(bench.clock.pendingCount, 0);
});

test("ending a turn twice frees one place", async () => {
  const bench = new Bench();
  for (const text of ["a0", "a1", "a2"]) await bench.ask(text);
  await bench.end("a0");
  await bench.end("a0");
  assert.deepEqual(bench.started, ["a0", "a1"]);
});

test("whatever happens, bounds hold, nobody is lost, and it ends idle", async () => {
  const query = fc.record({
    tenant: fc.constantFrom("a", "b", "c"),
    bytes: fc.constantFrom(0, 50, 100, 101, 400, 900, 3000),
    cancels: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(query, { maxLength: 14 }), async (s, queries) => {
      const { scheduler } = new Bench({ runningMax: 3 });
      let large = 0;
      let largeBytes = 0;
      const one = async ({ tenant, bytes, cancels }: (typeof queries)[number]): Promise<string> => {
        const controller = new AbortController();
        const cancel = cancels
          ? s.schedule(Promise.resolve()).then(() => controller.abort())
          : Promise.resolve();
        try {
          const { signal } = controller;
          using _turn = await scheduler.turn({
            tenant,
            estimateBytes: bytes,
            signal,
            waitMsMax: 0,
          });
          const isLarge = bytes > 100;
          if (isLarge) [large, largeBytes] = [large + 1, largeBytes + bytes];
          assert.ok(scheduler.runningCount <= 3);
          assert.ok(large <= 2);
          assert.ok(large <= 1 || largeBytes <= 1000);
          await s.schedule(Promise.resolve());
          if (isLarge) [large, largeBytes] = [large - 1, largeBytes - bytes];
          return "ran";
        } catch (error) {
          assert.ok(error instanceof RequestError);
          return String(error.status);
        } finally {
          await cancel;
        }
      };
      const all = Promise.all(queries.map(one));
      await s.waitFor(all);
      for (const [i, outcome] of (await all).entries()) {
        assert.ok(outcome === "ran" || (queries[i]!.cancels && outcome === "499"));
      }
      assert.ok(scheduler.isIdle);
      assert.equal(scheduler.inFlightBytes, 0);
    }),
    { seed: 7, numRuns: 150 },
  );
});

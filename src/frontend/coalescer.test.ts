import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RequestError } from "#base";
import { Coalescer } from "./coalescer.ts";

/** Executions that end when told to. */
class Work {
  readonly executions: { signal: AbortSignal; end: (value: string) => void; fail: () => void }[] =
    [];

  readonly start = (signal: AbortSignal): Promise<string> => {
    const done = Promise.withResolvers<string>();
    const fail = (): void => done.reject(new RequestError(500, "broken"));
    this.executions.push({ signal, end: done.resolve, fail });
    signal.addEventListener("abort", () => done.reject(new RequestError(499, "stopped")));
    return done.promise;
  };
}

test("what is asked for twice at a time is done once", async () => {
  const [coalescer, work] = [new Coalescer<string>(), new Work()];
  const { signal } = new AbortController();
  let joined = 0;
  const caller = { signal, onJoin: () => joined++ };
  const answers = ["k", "k", "other"].map((key) => coalescer.run(key, caller, work.start));
  assert.equal(work.executions.length, 2);
  assert.equal(joined, 1);
  work.executions[0]!.end("first");
  work.executions[1]!.end("second");
  assert.deepEqual(await Promise.all(answers), ["first", "first", "second"]);
  assert.equal(coalescer.count, 0);
});

test("what is asked for again later is done again", async () => {
  const [coalescer, work] = [new Coalescer<string>(), new Work()];
  const caller = { signal: new AbortController().signal };
  const first = coalescer.run("k", caller, work.start);
  work.executions[0]!.end("1");
  assert.equal(await first, "1");
  const second = coalescer.run("k", caller, work.start);
  work.executions[1]!.end("2");
  assert.equal(await second, "2");
});

test("who asks after the reading began joins only while nothing new came", async () => {
  const [coalescer, work] = [new Coalescer<string>(), new Work()];
  const caller = { signal: new AbortController().signal };
  let changes = 0;
  const begins: (() => void)[] = [];
  const ask = (): Promise<string> =>
    coalescer.run("k", caller, (signal, begin) => {
      begins.push(() => {
        const atStart = changes;
        begin(() => changes === atStart);
      });
      return work.start(signal);
    });
  const waiting = ask();
  changes++;
  const beforeReading = ask();
  begins[0]!();
  const whileSame = ask();
  assert.equal(work.executions.length, 1);
  changes++;
  const afterChange = ask();
  assert.equal(work.executions.length, 2);
  work.executions[0]!.end("old");
  work.executions[1]!.end("new");
  assert.deepEqual(await Promise.all([waiting, beforeReading, whileSame]), ["old", "old", "old"]);
  assert.equal(await afterChange, "new");
  assert.equal(coalescer.count, 0);
});

test("a failure reaches everybody who waits", async () => {
  const [coalescer, work] = [new Coalescer<string>(), new Work()];
  const caller = { signal: new AbortController().signal };
  const answers = [1, 2].map(() => coalescer.run("k", caller, work.start));
  work.executions[0]!.fail();
  for (const answer of answers) await assert.rejects(answer, { status: 500 });
  assert.equal(coalescer.count, 0);
});

test("one who leaves does not disturb the others; the last one ends the work", async () => {
  const [coalescer, work] = [new Coalescer<string>(), new Work()];
  const [a, b] = [new AbortController(), new AbortController()];
  const first = coalescer.run("k", a, work.start);
  const second = coalescer.run("k", b, work.start);
  a.abort();
  await assert.rejects(first, { status: 499 });
  assert.equal(work.executions[0]!.signal.aborted, false);
  b.abort();
  await assert.rejects(second, { status: 499 });
  assert.equal(work.executions[0]!.signal.aborted, true);
});

test("who asks after the last one left starts anew", async () => {
  const [coalescer, work] = [new Coalescer<string>(), new Work()];
  const a = new AbortController();
  const first = coalescer.run("k", a, work.start);
  a.abort();
  await assert.rejects(first, { status: 499 });
  const again = coalescer.run("k", { signal: new AbortController().signal }, work.start);
  work.executions[1]!.end("anew");
  assert.equal(await again, "anew");
});

test("who has left already starts nothing", async () => {
  const [coalescer, work] = [new Coalescer<string>(), new Work()];
  const answer = coalescer.run("k", { signal: AbortSignal.abort() }, work.start);
  await assert.rejects(answer, { status: 499 });
  assert.equal(work.executions.length, 0);
});

test("in any order of leaving and ending, everybody hears once and nothing runs for nobody", async () => {
  const waiter = fc.record({ key: fc.constantFrom("x", "y"), leaves: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(waiter, { maxLength: 10 }), async (s, waiters) => {
      const coalescer = new Coalescer<string>();
      const running = new Map<AbortSignal, string>();
      const one = async ({ key, leaves }: (typeof waiters)[number]): Promise<void> => {
        await s.schedule(Promise.resolve());
        const controller = new AbortController();
        const leaving = leaves
          ? s.schedule(Promise.resolve()).then(() => controller.abort())
          : Promise.resolve();
        const answer = coalescer.run(key, controller, async (signal) => {
          assert.ok(![...running.values()].includes(key) || allAborted(running, key));
          running.set(signal, key);
          await s.schedule(Promise.resolve());
          running.delete(signal);
          if (signal.aborted) throw new RequestError(499, "stopped");
          return `done ${key}`;
        });
        try {
          assert.equal(await answer, `done ${key}`);
        } catch (error) {
          assert.ok(error instanceof RequestError && error.status === 499 && leaves);
        }
        await leaving;
      };
      const all = Promise.all(waiters.map(one));
      await s.waitFor(all);
      await s.waitIdle();
      assert.equal(coalescer.count, 0);
      assert.equal(running.size, 0);
    }),
    { seed: 11, numRuns: 150 },
  );
});

function allAborted(running: ReadonlyMap<AbortSignal, string>, key: string): boolean {
  return [...running].every(([signal, other]) => other !== key || signal.aborted);
}

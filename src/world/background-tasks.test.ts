import assert from "node:assert/strict";
import test from "node:test";
import { BackgroundTasks, type TaskFailure } from "./background-tasks.ts";
import { ManualClock } from "./manual-clock.ts";

function watched(): { tasks: BackgroundTasks; failures: TaskFailure[] } {
  const failures: TaskFailure[] = [];
  return {
    tasks: new BackgroundTasks({ onFailure: (failure) => failures.push(failure) }),
    failures,
  };
}

test("a failure is reported with the name of its task", async () => {
  const { tasks, failures } = watched();
  const error = new Error("no");
  tasks.spawn("flush", async () => {
    throw error;
  });
  await tasks.stop();
  assert.deepEqual(failures, [{ task: "flush", error }]);
});

test("stop aborts, waits for all, and what ends by the abort is no failure", async () => {
  const { tasks, failures } = watched();
  const clock = new ManualClock({ nowMs: 0 });
  let hasEnded = false;
  tasks.spawn("sleeper", (signal) => clock.sleep(1_000, signal));
  tasks.spawn("cleaner", async (signal) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await new Promise((resolve) => setImmediate(resolve));
    hasEnded = true;
  });
  assert.deepEqual(tasks.names, ["sleeper", "cleaner"]);
  await tasks.stop();
  assert.equal(hasEnded, true);
  assert.deepEqual(failures, []);
  tasks.spawn("late", () => assert.fail("must not start"));
  assert.deepEqual(tasks.names, []);
});

test("a repeated task goes on after a failure", async () => {
  const { tasks, failures } = watched();
  const clock = new ManualClock({ nowMs: 0 });
  let rounds = 0;
  tasks.repeat("compact", { clock, intervalMs: 10 }, async () => {
    rounds++;
    if (rounds === 2) throw new Error("second round");
  });
  await clock.advanceAndSettle(45);
  assert.equal(rounds, 4);
  assert.equal(failures.length, 1);
  await tasks.stop();
});

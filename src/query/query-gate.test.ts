import assert from "node:assert/strict";
import { test } from "node:test";
import { QueryGate } from "./query-gate.ts";

const never = new AbortController().signal;

test("so many run at once; who waits enters in turn by tenant", async () => {
  const gate = new QueryGate({ atOnceMax: 1, waitingMax: 2 });
  const first = await gate.enter("a", never);
  const entered: string[] = [];
  const ask = async (tenant: string, name: string): Promise<void> => {
    using _place = await gate.enter(tenant, never);
    entered.push(name);
  };
  const all = [ask("a", "a2"), ask("a", "a3"), ask("b", "b1")];
  await assert.rejects(gate.enter("a", never), { status: 429 });
  assert.deepEqual(entered, []);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await Promise.all(all);
  assert.deepEqual(entered, ["a2", "b1", "a3"]);
});

test("who goes away while waiting takes no place", async () => {
  const gate = new QueryGate({ atOnceMax: 1, waitingMax: 2 });
  const first = await gate.enter("a", never);
  const controller = new AbortController();
  const gone = gate.enter("a", controller.signal);
  controller.abort();
  await assert.rejects(gone, { status: 499 });
  first[Symbol.dispose]();
  using second = await gate.enter("a", never);
  assert.ok(second);
});

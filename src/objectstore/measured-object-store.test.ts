import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock, seededRandom } from "#world";
import { FaultyObjectStore } from "./faulty-object-store.ts";
import { MeasuredObjectStore, type ObservedCall } from "./measured-object-store.ts";
import { MemoryObjectStore } from "./memory-object-store.ts";
import { listed } from "./object-store.contract.ts";

test("every call is told with its outcome, bytes and time", async () => {
  const clock = new ManualClock({ nowMs: 0 });
  const inner = new MemoryObjectStore({ nowMs: () => clock.nowMs() });
  const random = seededRandom(1);
  const faulty = new FaultyObjectStore(inner, { clock, random, faults: {} });
  const calls: ObservedCall[] = [];
  const observer = { observed: (call: ObservedCall): number => calls.push(call) };
  const store = new MeasuredObjectStore(faulty, { clock, observer });
  await store.put("a/b", [Buffer.from("0123"), Buffer.from("45")]);
  await store.get("a/b", { range: { from: 1, to: 4 } });
  await store.get("none").catch(() => undefined);
  await store.head("a/b");
  await listed(store.list(""));
  await store.listFolders("");
  faulty.faults = { errorRate: 1 };
  await listed(store.list("")).catch(() => undefined);
  await store.delete("a/b").catch(() => undefined);
  await store.delete("a/b", { signal: AbortSignal.abort() }).catch(() => undefined);
  faulty.faults = { latencyMsMax: 100 };
  const deleting = store.delete("a/b");
  await clock.advanceAndSettle(100);
  await deleting;
  assert.deepEqual(
    calls.map((call) => [call.operation, call.outcome, call.readBytes, call.writtenBytes]),
    [
      ["put", "ok", 0, 6],
      ["get", "ok", 3, 0],
      ["get", "missing", 0, 0],
      ["head", "ok", 0, 0],
      ["list", "ok", 0, 0],
      ["list folders", "ok", 0, 0],
      ["list", "unavailable", 0, 0],
      ["delete", "unavailable", 0, 0],
      ["delete", "aborted", 0, 0],
      ["delete", "ok", 0, 0],
    ],
  );
  assert.ok(calls.at(-1)!.durationMs > 0);
});

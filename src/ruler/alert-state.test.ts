import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "#model";
import { MemoryObjectStore } from "#objectstore";
import { AlertStateStore, type GroupAlerts } from "./alert-state.ts";

const place = { tenant: "t", namespace: "n", name: "g" };
const key = "ruler-state/t/bg/Zw";
const kept: GroupAlerts = {
  evaluatedAtMs: 5_000,
  rules: new Map([
    [
      "rule",
      [
        {
          labels: Labels.from({ alertname: "A", pod: "p" }),
          annotations: Labels.from({ summary: "s" }),
          state: "firing",
          value: Number.POSITIVE_INFINITY,
          activeAtMs: 1_000,
          firedAtMs: 2_000,
          resolvedAtMs: undefined,
          keepFiringSinceMs: undefined,
          lastSentAtMs: 3_000,
        },
      ],
    ],
  ]),
};

async function written(): Promise<string> {
  const objects = new MemoryObjectStore({ nowMs: () => 0 });
  await new AlertStateStore(objects).save(place, kept);
  return (await objects.get(key)).toString();
}

async function read(text: string): Promise<GroupAlerts | undefined> {
  const objects = new MemoryObjectStore({ nowMs: () => 0 });
  await objects.put(key, Buffer.from(text));
  return new AlertStateStore(objects).load(place);
}

test("alerts read back as they were", async () => {
  assert.deepEqual(await read(await written()), kept);
});

const changes: readonly (readonly [found: string, replaced: string])[] = [
  ['"version":1', '"version":2'],
  ['"rules":[', '"rulers":['],
  ['"evaluatedAtMs":5000', '"evaluatedAtMs":"5000"'],
  ['"evaluatedAtMs":5000', '"evaluatedAtMs":1e400'],
  ['"annotations":{"summary":"s"}', '"annotations":null'],
  ['"pod":"p"', '"pod":5'],
  ['"state":"firing"', '"state":"gone"'],
  ['"value":"+Inf"', '"value":"x"'],
  ['"value":"+Inf"', '"value":1'],
  ['"activeAtMs":1000', '"activeAtMs":null'],
  ['"lastSentAtMs":3000', '"lastSentAtMs":9e15'],
];

for (const [found, replaced] of changes) {
  test(`alerts with ${replaced} are corrupt, and named`, async () => {
    const text = await written();
    assert.ok(text.includes(found), text);
    const wanted = { kind: "corrupt", message: new RegExp(`^alerts ${key}: `) };
    await assert.rejects(read(text.replace(found, replaced)), wanted);
  });
}

test("what is no group of alerts is corrupt", async () => {
  for (const text of ["null", "[]", "5", "{}", "", '{"version":1,"rules":[null]}']) {
    await assert.rejects(read(text), { kind: "corrupt" }, text);
  }
});

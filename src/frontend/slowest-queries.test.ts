import assert from "node:assert/strict";
import { test } from "node:test";
import { hour } from "#base";
import type { QueryRequest } from "#query";
import { slowestMax, SlowestQueries } from "./slowest-queries.ts";

function request(text: string): QueryRequest {
  return { tenants: ["t"], text, kind: "range" } as unknown as QueryRequest;
}

const failed = { error: new Error("too large") };

test("the slowest stay, slowest first, and no more than the limit", () => {
  const slowest = new SlowestQueries({ nowMs: () => 0 });
  for (let index = 0; index <= slowestMax; index++) {
    slowest.add(request(`q${index}`), {
      durationMs: (index * 7) % (slowestMax + 1),
      outcome: failed,
    });
  }
  const durations = slowest.list().map(({ durationMs }) => durationMs);
  assert.deepEqual(
    durations,
    Array.from({ length: slowestMax }, (_, index) => slowestMax - index),
  );
  assert.equal(slowest.list()[0]!.error, "too large");
});

test("after an hour a query is forgotten; long texts are cut", () => {
  let nowMs = 0;
  const slowest = new SlowestQueries({ nowMs: () => nowMs });
  slowest.add(request("x".repeat(10_000)), { durationMs: 9, outcome: failed });
  assert.equal(slowest.list()[0]!.text.length, 2048);
  nowMs = hour;
  assert.equal(slowest.list().length, 1);
  nowMs = hour + 1;
  assert.equal(slowest.list().length, 0);
});

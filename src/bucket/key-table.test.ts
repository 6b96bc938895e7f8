import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyTable } from "./key-table.ts";

test("knows the keys it was given, each once, and no others", () => {
  const table = new KeyTable([7, 8]);
  for (let i = 0; i < 5_000; i++) table.add(`tenant/${i % 2_500}`);
  table.seal();
  assert.equal(table.count, 2_500);
  for (let i = 0; i < 2_500; i++) {
    const at = table.find(`tenant/${i}`);
    assert.ok(at >= 0 && !table.hasMark(at, 1));
    table.mark(at, 1);
  }
  assert.equal(table.find("tenant/2500"), -1);
  assert.equal(new KeyTable([1, 2]).find("x"), -1);
});

test("a share of the keys is about that share", () => {
  const table = new KeyTable([7, 8]);
  const keys = Array.from({ length: 4_000 }, (_, i) => `tenant/${i}`);
  const share = keys.filter((key) => table.shareOf(key) < 0.25).length / keys.length;
  assert.ok(Math.abs(share - 0.25) < 0.03, `${share}`);
});

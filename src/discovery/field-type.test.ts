import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldTypeOf } from "./field-type.ts";

const cases: readonly (readonly [type: string, values: readonly string[]])[] = [
  ["int", ["0", "1", "-7", "+12", "9223372036854775807"]],
  ["float", ["1.5", "-0.25", "1e3", "NaN", "Inf", "9223372036854775808"]],
  ["boolean", ["true", "False", "T", "f"]],
  ["duration", ["3s", "1h2m3.5s", "250ms", "-1m"]],
  ["bytes", ["4KiB", "1.5 GB", "12B"]],
  ["string", ["", "GET", "10.0.0.1", "tRUE", "5 apples", "2026-01-10T00:00:00Z"]],
];

for (const [type, values] of cases) {
  for (const value of values) {
    test(`${JSON.stringify(value)} is ${type}`, () => assert.equal(fieldTypeOf(value), type));
  }
}

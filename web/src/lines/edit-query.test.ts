import assert from "node:assert/strict";
import { test } from "node:test";
import { type FieldFilter, withFieldFilter } from "./edit-query.ts";

type Row = readonly [before: string, field: FieldFilter, operator: "=" | "!=", after: string];
const rows: readonly Row[] = [
  ['{a="b"}', { name: "c", value: "d", kind: "label" }, "=", '{a="b", c="d"}'],
  ['{a="b"}', { name: "a", value: "b", kind: "label" }, "!=", '{a!="b"}'],
  ['{a="b"} |= "x"', { name: "t", value: "1", kind: "metadata" }, "=", '{a="b"} |= "x" | t="1"'],
  ['{a="b"} | t="1"', { name: "t", value: "1", kind: "metadata" }, "!=", '{a="b"} | t!="1"'],
  ['{a="b"} | t="1"', { name: "t", value: "1", kind: "metadata" }, "=", '{a="b"} | t="1"'],
  [
    '{a="b"} | t="1" or t="2"',
    { name: "t", value: "1", kind: "metadata" },
    "=",
    '{a="b"} | t="1" or t="2" | t="1"',
  ],
  [
    '{a="b"} |= "| t=\\"1\\""',
    { name: "t", value: "1", kind: "parsed" },
    "=",
    '{a="b"} |= "| t=\\"1\\"" | t="1"',
  ],
  ['{a="b"}', { name: "u", value: 'q"\\', kind: "json" }, "=", '{a="b"} | json | u="q\\"\\\\"'],
  [
    '{a="b"} | json | u="1"',
    { name: "v", value: "2", kind: "json" },
    "!=",
    '{a="b"} | json | u="1" | v!="2"',
  ],
  [
    '{a="b"} | sort by t | limit 3',
    { name: "t", value: "1", kind: "logfmt" },
    "=",
    '{a="b"} | logfmt | t="1" | sort by t | limit 3',
  ],
  [
    'rate({a="b"} | json [1m])',
    { name: "t", value: "1", kind: "parsed" },
    "=",
    'rate({a="b"} | json | t="1" [1m])',
  ],
];

for (const [before, field, operator, after] of rows) {
  test(`${field.name}${operator}${field.value} in ${before}`, () => {
    assert.equal(withFieldFilter(before, field, operator), after);
  });
}

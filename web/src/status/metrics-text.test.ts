import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "./metrics-text.ts";

const metrics = new Metrics(`# HELP a What.
# TYPE a counter
a{tenant="x",s="1"} 2
a{tenant="y",s="1"} 3.5
a{tenant="y",s="2"} 1e3
b 7
c{path="say \\"hi\\", {you}\\\\\\n"} 1
d +Inf
nonsense
`);

test("sums over series with labels", () => {
  assert.equal(metrics.sum("a"), 1005.5);
  assert.equal(metrics.sum("a", { tenant: "y", s: "1" }), 3.5);
  assert.equal(metrics.sum("a", { tenant: "z" }), 0);
  assert.equal(metrics.sum("none"), undefined);
  assert.equal(metrics.sum("d"), Number.POSITIVE_INFINITY);
});

test("sums by a label", () => {
  assert.deepEqual(
    [...metrics.sumBy("a", "tenant")],
    [
      ["x", 2],
      ["y", 1003.5],
    ],
  );
});

test("escapes in labels", () => {
  assert.equal(metrics.samples("c")[0]?.labels["path"], 'say "hi", {you}\\\n');
});

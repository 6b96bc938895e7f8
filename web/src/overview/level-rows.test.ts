import assert from "node:assert/strict";
import { test } from "node:test";
import { levelRows } from "./level-rows.ts";

test("spellings count together, loud levels first, empty steps are zero", () => {
  const found = levelRows(
    [
      { metric: { detected_level: "info" }, values: [[20, "1"]] },
      { metric: { detected_level: "ERROR" }, values: [[10, "2"]] },
      { metric: { detected_level: "err" }, values: [[10, "1"]] },
      { metric: {}, values: [[20, "NaN"]] },
    ],
    { fromSeconds: 0, toSeconds: 20, stepSeconds: 10 },
  );
  assert.deepEqual(found, {
    times: [0, 10],
    total: 4,
    rows: [
      { level: "error", total: 3, values: [3, 0] },
      { level: "info", total: 1, values: [0, 1] },
      { level: "unknown", total: 0, values: [0, 0] },
    ],
  });
});

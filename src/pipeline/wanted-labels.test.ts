import assert from "node:assert/strict";
import { test } from "node:test";
import { type LabelNeeds, WantedLabels } from "./wanted-labels.ts";

const cases: readonly (readonly [string, LabelNeeds, string, boolean])[] = [
  ["a letter that no wanted name starts with", new Set(["status"]), "host", true],
  ["one that a wanted name starts with", new Set(["status"]), "size", false],
  ["the same letter in capitals", new Set(["status"]), "Status", true],
  ["nothing is wanted", new Set(), "host", true],
  ["what may become an underscore", new Set(["_1st"]), "1st", false],
  ["spaces are cut off", new Set(["status"]), " status", false],
  ["all are wanted", "all", "host", false],
];
for (const [claim, needs, key, isUnwanted] of cases) {
  test(`unwanted by the first byte of a key: ${claim}: ${isUnwanted}`, () => {
    const starts = new WantedLabels(needs, { mayStop: true }).unwantedStarts();
    assert.equal(starts[key.charCodeAt(0)] === 1, isUnwanted);
  });
}

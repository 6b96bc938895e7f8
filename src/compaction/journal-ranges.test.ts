import assert from "node:assert/strict";
import { test } from "node:test";
import type { JournalRange } from "#segment";
import { journalRangesMax, unionOfRanges } from "./journal-ranges.ts";

/** `a1-5` is [1, 5) of journal a. */
function ranges(text: string): JournalRange[] {
  return text.split(" ").flatMap((one) => {
    const [, journalId, from, to] = /^([a-z])(\d+)-(\d+)$/.exec(one) ?? [];
    if (journalId === undefined) return [];
    return [{ journalId, fromSequence: Number(from), toSequence: Number(to) }];
  });
}

function text(union: readonly JournalRange[]): string {
  return union.map((one) => `${one.journalId}${one.fromSequence}-${one.toSequence}`).join(" ");
}

const unions: readonly (readonly [inputs: string, first: number, union: string])[] = [
  ["", 0, ""],
  ["a1-5", 0, "a1-5"],
  ["a1-5 a5-9", 0, "a1-9"],
  ["a5-9 a1-5", 0, "a1-9"],
  ["a1-5 a6-9", 0, "a1-5 a6-9"],
  ["a1-9 a2-3 a8-12", 0, "a1-12"],
  ["a1-5 b5-9", 0, "a1-5 b5-9"],
  ["a1-5 a7-9", 4, "a1-5 a7-9"],
  ["a1-5 a7-9", 5, "a7-9"],
  ["a1-5 b1-5", 9, "b1-5"],
];
for (const [inputs, first, union] of unions) {
  test(`[${inputs}] with journal a from ${first} on is [${union}]`, () => {
    const firstSequenceOf = (id: string): number | undefined => (id === "a" ? first : undefined);
    assert.equal(text(unionOfRanges(ranges(inputs), firstSequenceOf)), union);
  });
}

test("of too many ranges those of the oldest records go", () => {
  const many = Array.from({ length: journalRangesMax + 1 }, (_, i) => ({
    journalId: "a",
    fromSequence: i * 10,
    toSequence: i * 10 + 5,
  }));
  const none = (): undefined => undefined;
  assert.equal(unionOfRanges(many.slice(1), none).length, journalRangesMax);
  const union = unionOfRanges(many, none);
  assert.equal(union.length, journalRangesMax);
  assert.equal(union[0]!.fromSequence, 10);
});

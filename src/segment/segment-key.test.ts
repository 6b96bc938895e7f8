import assert from "node:assert/strict";
import { test } from "node:test";
import { isStoreError } from "#base";
import { dayStartNs, nsPerDay } from "#model";
import { ManualClock, seededRandom } from "#world";
import {
  formatSegmentKey,
  newSegmentId,
  parseSegmentKey,
  type SegmentKey,
  sourceOrderOf,
} from "./segment-key.ts";

const start = dayStartNs(20_513);
const base: SegmentKey = {
  tenant: "fake",
  day: 20_513,
  minNs: start + 1n,
  maxNs: start + 2n,
  id: "019ad5c3e8000123456789abcdef",
  replacesCount: 0,
  bodyBytes: 1000,
  footerBytes: 200,
};

const keys: { name: string; change: Partial<SegmentKey>; text: string }[] = [
  {
    name: "an ordinary one",
    change: {},
    text: "v1/fake/2026-03-01/00000000000001-00000000000002-019ad5c3e8000123456789abcdef-0-1000-200.seg",
  },
  {
    name: "a tenant of dots and the whole day",
    change: { tenant: "..", minNs: start, maxNs: start + nsPerDay - 1n, replacesCount: 12 },
    text: "v1/%2E%2E/2026-03-01/00000000000000-86399999999999-019ad5c3e8000123456789abcdef-12-1000-200.seg",
  },
  {
    name: "every character a tenant may have, before 1970",
    change: { tenant: "aZ9!-_.*'()", day: -1, minNs: -nsPerDay, maxNs: -1n },
    text: "v1/aZ9!-_.*'()/1969-12-31/00000000000000-86399999999999-019ad5c3e8000123456789abcdef-0-1000-200.seg",
  },
];
for (const { name, change, text } of keys) {
  test(`key of ${name}`, () => {
    const key = { ...base, ...change };
    assert.equal(formatSegmentKey(key), text);
    assert.deepEqual(parseSegmentKey(text), key);
  });
}

const good = keys[0]!.text;
const bad = [
  "",
  `${good}.tmp`,
  good.replace("v1", "v2"),
  good.replace("2026-03-01", "2026-13-01"),
  good.replace("00000000000002", "86400000000000"),
  good.replace("00000000000002", "00000000000000"),
  good.replace("fake", "%"),
  good.replace("019ad5c3e800", "019AD5C3E800"),
];
for (const text of bad) {
  test(`no key: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseSegmentKey(text),
      (error) => isStoreError(error, "corrupt"),
    );
  });
}

test("ids and source orders rise with the clock", () => {
  const random = seededRandom(1);
  const clock = new ManualClock({ nowMs: 1_772_000_000_000 });
  const early = newSegmentId(clock, random);
  const late = newSegmentId(new ManualClock({ nowMs: 1_772_000_000_001 }), random);
  assert.match(early, /^[0-9a-f]{28}$/);
  assert.ok(early < late);
  assert.ok(sourceOrderOf(early) < sourceOrderOf(late));
  assert.ok(Number.isSafeInteger(sourceOrderOf("f".repeat(28)) / 64));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { isRelative, niceStep, parseMoment, rangeTitle, resolveRange } from "./time-range.ts";

const nowMs = Date.UTC(2026, 0, 10, 12);
const hourMs = 3_600_000;

const moments: readonly (readonly [string, number | undefined])[] = [
  ["now", nowMs],
  [" now-1h ", nowMs - hourMs],
  ["now-1.5d", nowMs - 36 * hourMs],
  ["now-2w", nowMs - 336 * hourMs],
  ["1768003200000", 1_768_003_200_000],
  ["2026-01-10T00:00:00Z", 1_768_003_200_000],
  ["2026-01-10 00:00:00Z", 1_768_003_200_000],
  ["now-1y", undefined],
  ["yesterday", undefined],
  ["", undefined],
];

for (const [text, expected] of moments) {
  test(`${JSON.stringify(text)} is ${expected}`, () =>
    assert.equal(parseMoment(text, nowMs), expected));
}

test("nonsense in the address becomes the last hour", () => {
  const lastHour = { fromMs: nowMs - hourMs, toMs: nowMs };
  assert.deepEqual(resolveRange({ from: "x", to: "now" }, nowMs), lastHour);
  assert.deepEqual(resolveRange({ from: "now", to: "now-1h" }, nowMs), lastHour);
});

test("ranges have titles", () => {
  const show = (ms: number): string => `<${ms}>`;
  assert.equal(rangeTitle({ from: "now-15m", to: "now" }, show), "Last 15 minutes");
  assert.equal(rangeTitle({ from: "now-1d", to: "now" }, show), "Last day");
  assert.equal(rangeTitle({ from: "1", to: "2" }, show), "<1> – <2>");
  assert.equal(rangeTitle({ from: "now-2h", to: "now-1h" }, show), "now-2h – now-1h");
  assert.equal(isRelative({ from: "1", to: "now" }), false);
});

test("a step gives at most as many points as asked", () => {
  for (const hours of [0.01, 0.3, 1, 5, 24, 24 * 30, 24 * 3650]) {
    const step = niceStep({ fromMs: 0, toMs: hours * hourMs }, 120);
    assert.ok((hours * 3600) / step <= 120, `${hours} h: ${step}`);
  }
  assert.equal(niceStep({ fromMs: 0, toMs: hourMs }, 120), 30);
});

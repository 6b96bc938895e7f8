import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  formatFixed,
  formatGeneral,
  formatGoTime,
  formatScientific,
  GoParseError,
  loadGoZone,
  parseGoTime,
  utcZone,
} from "#gofmt";

const seed = 20_260_110;
const moment = { ns: 1_768_003_200_285_670_026n, zone: utcZone };

test("every field of a layout prints", () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      "2006 06 January Jan 01 1 Monday Mon 02 _2 2 002 __2",
      "2026 26 January Jan 01 1 Saturday Sat 10 10 10 010  10",
    ],
    ["15 03 3 04 4 05 5 PM pm", "00 12 12 00 0 00 0 AM am"],
    ["05.000 05.000000 05.999999999 05,00", "00.285 00.285670 00.285670026 00,28"],
    ["Z07:00 Z0700 Z07 -07:00 -0700 -07 MST", "Z Z Z +00:00 +0000 +00 UTC"],
    ["Janet Monk x2006", "Janet Monk x2026"],
  ];
  for (const [layout, want] of cases) assert.equal(formatGoTime(moment, layout), want);
});

test("zones know their offsets and names through the year", () => {
  const zone = loadGoZone("America/New_York");
  assert.ok(zone);
  const inZone = (text: string): string =>
    formatGoTime(parseGoTime(text, { layout: "2006-01-02 15:04", zone }), "15:04 -0700 MST");
  assert.equal(inZone("2026-01-10 12:00"), "12:00 -0500 EST");
  assert.equal(inZone("2026-07-10 12:00"), "12:00 -0400 EDT");
  assert.equal(loadGoZone("Asia/Tokyo")?.abbreviationAt(0), "JST");
  assert.equal(loadGoZone("Asia/Dubai")?.abbreviationAt(0), "+04");
  assert.equal(loadGoZone("No/Where"), undefined);
  assert.equal(loadGoZone("+01:00"), undefined);
});

test("times are read by layout", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["Jan _2 15:04:05", "Feb  3 04:05:06", "0000-02-03T04:05:06Z"],
    ["02/01/06 3:04PM", "10/12/99 9:05PM", "1999-12-10T21:05:00Z"],
    ["2006-01-02T15:04:05Z07:00", "2026-01-10T01:02:03.25-02:30", "2026-01-10T03:32:03.25Z"],
    ["2006-002", "2024-366", "2024-12-31T00:00:00Z"],
    ["Mon, 02 Jan 2006 15:04:05 MST", "Sat, 10 Jan 2026 01:02:03 UTC", "2026-01-10T01:02:03Z"],
  ];
  for (const [layout, text, want] of cases) {
    const { ns } = parseGoTime(text, { layout, zone: utcZone });
    const shown = formatGoTime({ ns, zone: utcZone }, "2006-01-02T15:04:05.999999999Z07:00");
    assert.equal(shown, want, text);
  }
  for (const [layout, text] of [
    ["2006-01-02", "2026-13-01"],
    ["2006-01-02", "2026-02-30"],
    ["15:04", "24:00"],
    ["15:04", "1:02 x"],
    ["2006-002", "2025-366"],
    ["Jan 2", "Foo 2"],
  ] as const) {
    assert.throws(() => parseGoTime(text, { layout, zone: utcZone }), GoParseError, text);
  }
});

test("what a layout prints, it reads", () => {
  const layout = "2006-01-02T15:04:05.000000000Z07:00";
  const instants = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
  const property = fc.property(instants, (ns) => {
    const text = formatGoTime({ ns, zone: utcZone }, layout);
    assert.equal(parseGoTime(text, { layout, zone: utcZone }).ns, ns);
  });
  fc.assert(property, { seed, numRuns: 300 });
});

test("rounding is exact, halves go to the even digit", () => {
  assert.deepEqual(
    [0.5, 1.5, 2.5].map((value) => formatFixed(value, 0)),
    ["0", "2", "2"],
  );
  assert.deepEqual(
    [0.125, 1.005, 123.456].map((value) => formatFixed(value, 2)),
    ["0.12", "1.00", "123.46"],
  );
  assert.equal(formatScientific(9.9999, 2), "1.00e+01");
  assert.equal(formatScientific(0, 3), "0.000e+00");
  const general = [100_000, 1e6, 0.0001234, 0.00001234, 1234.5].map((value) =>
    formatGeneral(value, 3),
  );
  assert.deepEqual(general, ["1e+05", "1e+06", "0.000123", "1.23e-05", "1.23e+03"]);
});

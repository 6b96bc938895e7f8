import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  formatGoDuration,
  formatGoFloat,
  formatRfc3339Nano,
  formatSampleValue,
  GoParseError,
  parseGoDuration,
  parseGoDurationSeconds,
  parseGoFloat,
  parseGoInt,
  parseHumanBytes,
  parseRfc3339Nano,
  quoteGoRune,
  quoteGoString,
} from "#gofmt";

const seed = 20_260_110;

function refused(parse: (text: string) => unknown, text: string, message: string): void {
  assert.throws(
    () => parse(text),
    (error) => error instanceof GoParseError && error.message === message,
    `${text}: ${message}`,
  );
}

test("a float is read as Go reads it", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["1e3", 1000],
    ["+1.5", 1.5],
    [".5", 0.5],
    ["5.", 5],
    ["1_000", 1000],
    ["1_0.2_5e1_0", 10.25e10],
    ["0x1p4", 16],
    ["0x1.8p1", 3],
    ["0x_1p-1", 0.5],
    ["Inf", Number.POSITIVE_INFINITY],
    ["-INFINITY", Number.NEGATIVE_INFINITY],
    ["nan", Number.NaN],
    ["1e-400", 0],
  ];
  for (const [text, want] of cases) assert.equal(parseGoFloat(text), want, text);
});

test("what is no float is refused in strconv's words", () => {
  for (const text of ["", " 5 ", "12abc", "0x1F", "1__0", "_1", "1_", "+nan", "e5", ".", "1e"]) {
    refused(parseGoFloat, text, `strconv.ParseFloat: parsing "${text}": invalid syntax`);
  }
  refused(parseGoFloat, "1e400", 'strconv.ParseFloat: parsing "1e400": value out of range');
  refused(parseGoFloat, 'a"\n', 'strconv.ParseFloat: parsing "a\\"\\n": invalid syntax');
});

test("an integer is read by base and stays inside int64", () => {
  const base0 = (text: string) => parseGoInt(text, { base: 0 });
  const base10 = (text: string) => parseGoInt(text, { base: 10 });
  assert.deepEqual(["0x10", "010", "0b11", "0o7", "-5", "1_000", "0"].map(base0), [
    16n,
    8n,
    3n,
    7n,
    -5n,
    1000n,
    0n,
  ]);
  assert.equal(base10("-9223372036854775808"), -(2n ** 63n));
  refused(base10, "abc", 'strconv.ParseInt: parsing "abc": invalid syntax');
  refused(base0, "08", 'strconv.ParseInt: parsing "08": invalid syntax');
  refused(
    base10,
    "9223372036854775808",
    'strconv.ParseInt: parsing "9223372036854775808": value out of range',
  );
});

test("floats print as %v and as sample values", () => {
  const cases: readonly (readonly [number, string, string])[] = [
    [0, "0", "0"],
    [-0, "-0", "-0"],
    [100_000, "100000", "100000"],
    [1_000_000, "1e+06", "1000000"],
    [123_456_789.5, "1.234567895e+08", "123456789.5"],
    [0.0001, "0.0001", "0.0001"],
    [0.00001, "1e-05", "0.00001"],
    [-1.5e-10, "-1.5e-10", "-0.00000000015"],
    [1e21, "1e+21", "1000000000000000000000"],
    [1.5e22, "1.5e+22", "15000000000000000000000"],
    [Number.NaN, "NaN", "NaN"],
    [Number.POSITIVE_INFINITY, "+Inf", "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf", "-Inf"],
  ];
  for (const [value, general, sample] of cases) {
    assert.equal(formatGoFloat(value), general);
    assert.equal(formatSampleValue(value), sample);
  }
});

test("a printed float reads back", () => {
  const property = fc.property(fc.double(), (value) => {
    assert.equal(parseGoFloat(formatGoFloat(value)), value);
    assert.equal(parseGoFloat(formatSampleValue(value)), value);
  });
  fc.assert(property, { seed, numRuns: 500 });
});

test("durations are read and refused as Go does", () => {
  const cases: readonly (readonly [string, bigint])[] = [
    ["0", 0n],
    ["-0", 0n],
    ["1h2m3s", 3_723_000_000_000n],
    ["-3s", -3_000_000_000n],
    [".5s", 500_000_000n],
    ["1.5µs", 1500n],
    ["1.s", 1_000_000_000n],
    ["9223372036854775807ns", 2n ** 63n - 1n],
    ["-9223372036854775808ns", -(2n ** 63n)],
    ["0.000000001s", 1n],
  ];
  for (const [text, want] of cases) assert.equal(parseGoDuration(text), want, text);
  assert.equal(parseGoDurationSeconds("250ms"), 0.25);
  refused(parseGoDuration, "", 'time: invalid duration ""');
  refused(parseGoDuration, "abc", 'time: invalid duration "abc"');
  refused(parseGoDuration, "5", 'time: missing unit in duration "5"');
  refused(parseGoDuration, "1d", 'time: unknown unit "d" in duration "1d"');
  refused(parseGoDuration, "1.5.s", 'time: missing unit in duration "1.5.s"');
  refused(parseGoDuration, ".s", 'time: invalid duration ".s"');
  refused(parseGoDuration, "é", 'time: invalid duration "\\xc3\\xa9"');
  refused(
    parseGoDuration,
    "9223372036854775808ns",
    'time: invalid duration "9223372036854775808ns"',
  );
});

test("durations print as Go prints them, and read back", () => {
  assert.deepEqual(
    [0n, 1n, 1100n, 2_200_000n, 3_300_000_000n, 245_000_000_000n, 3_600_500_000_000n].map(
      formatGoDuration,
    ),
    ["0s", "1ns", "1.1µs", "2.2ms", "3.3s", "4m5s", "1h0m0.5s"],
  );
  const durations = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const property = fc.property(durations, (ns) => {
    const lost = parseGoDuration(formatGoDuration(ns)) - ns;
    assert.equal(lost, 0n);
  });
  fc.assert(property, { seed, numRuns: 300 });
});

test("byte sizes take any case, blanks, commas and both kinds of units", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["42", 42],
    ["5 MB", 5_000_000],
    ["1,000 KB", 1_000_000],
    ["2G", 2e9],
    ["1.5KiB", 1536],
    ["0B", 0],
    ["1.9b", 1],
  ];
  for (const [text, want] of cases) assert.equal(parseHumanBytes(text), want, text);
  refused(parseHumanBytes, "abc", 'strconv.ParseFloat: parsing "": invalid syntax');
  refused(parseHumanBytes, "-5KB", 'strconv.ParseFloat: parsing "": invalid syntax');
  refused(parseHumanBytes, "5 XB", "unhandled size name: xb");
  refused(parseHumanBytes, "16EiB", "too large: 16EiB");
});

test("RFC 3339 times go both ways with every nanosecond", () => {
  assert.equal(parseRfc3339Nano("2026-01-10T00:00:00.000000001Z"), 1_768_003_200_000_000_001n);
  assert.equal(parseRfc3339Nano("2026-01-10T02:00:00+02:00"), 1_768_003_200_000_000_000n);
  assert.equal(formatRfc3339Nano(1_768_003_200_500_000_000n), "2026-01-10T00:00:00.5Z");
  assert.equal(formatRfc3339Nano(-1n), "1969-12-31T23:59:59.999999999Z");
  refused(
    parseRfc3339Nano,
    "x",
    'parsing time "x" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "x" as "2006"',
  );
  refused(
    parseRfc3339Nano,
    "2026-01-10",
    'parsing time "2026-01-10" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "" as "T"',
  );
  refused(
    parseRfc3339Nano,
    "2026-02-30T00:00:00Z",
    'parsing time "2026-02-30T00:00:00Z": day out of range',
  );
});

test("quoting keeps what is printable", () => {
  assert.equal(
    quoteGoString('it\'s "é"\n\u0001\u00a0\u{1f600}', { asciiOnly: false }),
    '"it\'s \\"é\\"\\n\\x01\\u00a0\u{1f600}"',
  );
  assert.equal(quoteGoString("é\u{1f600}", { asciiOnly: true }), '"\\u00e9\\U0001f600"');
  assert.equal(quoteGoRune(39, { asciiOnly: false }), "'\\''");
});

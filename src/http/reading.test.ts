import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "#base";
import { ManualClock } from "#world";
import fc from "fast-check";
import { cleanPath } from "./clean-path.ts";
import { Parameters } from "./parameters.ts";
import { parseQueryString } from "./query-string.ts";
import { acceptsGzip } from "./respond.ts";
import { parseBounds, parsePrometheusDuration, parseStep, parseTime } from "./times.ts";

const seconds = 1_000_000_000n;

function refusal(read: () => unknown): string {
  try {
    return `nothing refused: ${String(read())}`;
  } catch (error) {
    assert.ok(error instanceof RequestError, String(error));
    assert.equal(error.status, 400);
    return error.message;
  }
}

test("times: digits are seconds or nanoseconds, a dot means seconds, else RFC 3339", () => {
  const cases: readonly (readonly [string, bigint | undefined])[] = [
    ["", undefined],
    ["0", 0n],
    ["-5", -5n * seconds],
    ["+5", 5n * seconds],
    ["1768003200", 1_768_003_200n * seconds],
    ["1768003200000", 1_768_003_200_000n],
    ["1768003200000000001", 1_768_003_200_000_000_001n],
    ["1768003200.5", 1_768_003_200n * seconds + 500_000_000n],
    ["1.7680032e9", 1_768_003_200n * seconds],
    ["-0.25", -250_000_000n],
    ["2026-01-10T00:00:00Z", 1_768_003_200n * seconds],
    ["2026-01-10T01:00:00.000000001+01:00", 1_768_003_200n * seconds + 1n],
    ["1.5e300", 2n ** 63n - 1n],
  ];
  for (const [text, ns] of cases) assert.equal(parseTime(text), ns, text);
});

test("times that are none are refused in Go's words", () => {
  for (const text of ["x", "1e9", "NaN", " 1", "2026-01-10", "2026-01-10T00:00:00", "0x10"]) {
    const words = `strconv.ParseInt: parsing "${text}": invalid syntax`;
    assert.equal(
      refusal(() => parseTime(text)),
      words,
    );
    assert.equal(
      refusal(() => parseTime(text, "end")),
      `could not parse 'end' parameter: ${words}`,
    );
  }
  assert.match(
    refusal(() => parseTime("9".repeat(20))),
    /value out of range$/,
  );
});

test("a range without times is the last hour; since counts from the earlier of end and now", () => {
  const clock = new ManualClock({ nowNs: 1_768_010_400n * seconds });
  const bounds = (text: string): (number | undefined)[] => {
    const { startNs, endNs } = parseBounds(new Parameters(parseQueryString(text)), clock);
    return [startNs, endNs].map((ns) => Number(ns / seconds) - 1_768_010_400);
  };
  assert.deepEqual(bounds(""), [-3600, 0]);
  assert.deepEqual(bounds("since=5m"), [-300, 0]);
  assert.deepEqual(bounds("end=1768010000"), [-4000, -400]);
  assert.deepEqual(bounds("end=1768020000&since=1h"), [-3600, 9600]);
  assert.deepEqual(bounds("start=1768000000&since=1h"), [-10_400, 0]);
});

test("durations go from large to small units, each once", () => {
  const cases: readonly (readonly [string, bigint])[] = [
    ["0", 0n],
    ["90s", 90n * seconds],
    ["1w2d3h4m5s6ms", 788_645n * seconds + 6_000_000n],
    ["1y", 31_536_000n * seconds],
  ];
  for (const [text, ns] of cases) assert.equal(parsePrometheusDuration(text), ns, text);
  const refused: readonly (readonly [string, string])[] = [
    ["abc", 'not a valid duration string: "abc"'],
    ["-5m", 'not a valid duration string: "-5m"'],
    ["5", 'not a valid duration string: "5"'],
    ["5M", 'unknown unit "M" in duration "5M"'],
    ["1s1m", 'not a valid duration string: "1s1m"'],
    ["1s1s", 'not a valid duration string: "1s1s"'],
    ["300y", "duration out of range"],
  ];
  for (const [text, words] of refused) {
    assert.equal(
      refusal(() => parsePrometheusDuration(text)),
      words,
    );
  }
});

test("steps are seconds or durations, cut to nanoseconds", () => {
  const cases: readonly (readonly [string, bigint | undefined])[] = [
    ["", undefined],
    ["15", 15n * seconds],
    ["0.5", seconds / 2n],
    ["15000ms", 15n * seconds],
    ["-1", -seconds],
  ];
  for (const [text, ns] of cases) assert.equal(parseStep(text), ns, text);
  assert.equal(
    refusal(() => parseStep("1x")),
    'cannot parse "1x" to a valid duration',
  );
});

test("query strings read as browsers write them", () => {
  const pairs = fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })));
  fc.assert(
    fc.property(pairs, (written) => {
      const text = new URLSearchParams(written).toString();
      assert.deepEqual(parseQueryString(text), [...new URLSearchParams(text)]);
    }),
    { seed: 7, numRuns: 100 },
  );
});

test("a query string is read or refused, whatever it holds", () => {
  const unit = fc.constantFrom("%", "a", "F", "0", "&", "=", "+", ";", "é", "\ud83d");
  fc.assert(
    fc.property(fc.string({ unit }), (text) => {
      try {
        parseQueryString(text);
      } catch (error) {
        assert.ok(error instanceof RequestError && error.status === 400);
      }
    }),
    { seed: 7, numRuns: 500 },
  );
});

test("clean paths have no empty or dotted parts", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["/", undefined],
    ["/a/b", undefined],
    ["/a/", undefined],
    ["/a.b/..c", undefined],
    ["//", "/"],
    ["//a", "/a"],
    ["/a//b/", "/a/b/"],
    ["/a/./b", "/a/b"],
    ["/a/../../b", "/b"],
    ["/a/..", "/"],
  ];
  for (const [path, clean] of cases) assert.equal(cleanPath(path), clean, path);
});

test("gzip only for who asks for it", () => {
  for (const header of ["gzip", "br, GZIP;q=0.5", "*", "gzip; q=1", ["br", "gzip"]]) {
    assert.ok(acceptsGzip(header), String(header));
  }
  for (const header of [undefined, "", "br", "gzip;q=0", "gzip; q=0.00", "xgzip"]) {
    assert.ok(!acceptsGzip(header), String(header));
  }
});

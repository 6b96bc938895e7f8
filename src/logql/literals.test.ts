import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatBytes,
  formatGoDuration,
  formatGoFloat,
  formatRangeDuration,
  parseBytes,
  parseDuration,
  parseNumber,
  parseRangeDuration,
} from "./literals.ts";

const secondNs = 1_000_000_000n;

test("a duration reads as Go's or, with days and more, as a range", () => {
  const cases: readonly (readonly [text: string, ns: bigint | undefined])[] = [
    ["1.5h", 5400n * secondNs],
    ["-90s", -90n * secondNs],
    ["1m1h", 3660n * secondNs],
    ["250µs", 250_000n],
    ["12ns", 12n],
    ["1d12h", 129_600n * secondNs],
    ["1.5d", undefined],
    ["5", undefined],
    ["300y", undefined],
  ];
  for (const [text, ns] of cases) assert.equal(parseDuration(text), ns, text);
});

test("a range wants whole numbers and units large to small", () => {
  assert.deepEqual(parseRangeDuration("1h30m15s500ms"), { value: 5_415_500_000_000n });
  assert.deepEqual(parseRangeDuration("0"), { value: 0n });
  assert.deepEqual(parseRangeDuration("300y"), { fault: "duration out of range" });
  assert.deepEqual(parseRangeDuration("0.5h"), { fault: 'unknown unit "." in duration "0.5h"' });
});

test("durations print as Prometheus and as Go print them", () => {
  const cases: readonly (readonly [ns: bigint, range: string, go: string])[] = [
    [0n, "0s", "0s"],
    [300n * secondNs, "5m", "5m0s"],
    [7199n * secondNs, "1h59m59s", "1h59m59s"],
    [86_400n * secondNs, "1d", "24h0m0s"],
    [90n * 86_400n * secondNs, "90d", "2160h0m0s"],
    [1_500_000_000n, "1s500ms", "1.5s"],
    [1_500_000n, "1ms", "1.5ms"],
  ];
  for (const [ns, range, go] of cases) {
    assert.deepEqual([formatRangeDuration(ns), formatGoDuration(ns)], [range, go]);
  }
});

test("byte sizes read in any case and print rounded only where nothing is lost", () => {
  const cases: readonly (readonly [text: string, bytes: number | undefined, printed?: string])[] = [
    ["5KB", 5000, "5.0kB"],
    ["20kb", 20_000, "20kB"],
    ["1KiB", 1024, "1024B"],
    ["1.5GB", 1.5e9, "1.5GB"],
    ["42B", 42, "42B"],
    ["5", undefined],
    ["5XB", undefined],
  ];
  for (const [text, bytes, printed] of cases) {
    assert.equal(parseBytes(text), bytes, text);
    if (bytes !== undefined) assert.equal(formatBytes(bytes), printed);
  }
});

test("numbers read as Go's ParseFloat reads them", () => {
  assert.deepEqual(parseNumber("017"), { value: 17 });
  assert.deepEqual(parseNumber("1_000.5e-1"), { value: 100.05 });
  assert.deepEqual(parseNumber("0x1p4"), { value: 16 });
  assert.ok("fault" in parseNumber("0x1F"));
  assert.ok("fault" in parseNumber("1e999"));
});

test("floats print as Go's %v prints them", () => {
  const cases: readonly (readonly [value: number, printed: string])[] = [
    [1e20, "100000000000000000000"],
    [1e21, "1e+21"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [1.5, "1.5"],
  ];
  for (const [value, printed] of cases) assert.equal(formatGoFloat(value), printed);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type EntryBatch, packSet } from "#model";
import { addSums, noRows, RowHashes, type RowSum, sameSum } from "./row-sums.ts";

interface Row {
  readonly second: number;
  readonly nanos: number;
  readonly line: string;
  readonly value: string;
}

function batchOf(rows: readonly Row[]): EntryBatch {
  const lines = rows.map(({ line }) => Buffer.from(line));
  const sets = rows.map(({ value }) => (value === "" ? Buffer.alloc(0) : packSet([["k", value]])));
  const startsOf = (parts: readonly Buffer[]): Uint32Array => {
    const starts = new Uint32Array(parts.length + 1);
    for (let i = 0; i < parts.length; i++) starts[i + 1] = starts[i]! + parts[i]!.length;
    return starts;
  };
  const lineStarts = startsOf(lines);
  const withEmpty = [Buffer.alloc(0), ...sets];
  return {
    rowCount: rows.length,
    streams: [],
    bytes: Buffer.concat(lines),
    lineStarts: lineStarts.subarray(0, rows.length),
    lineEnds: lineStarts.subarray(1),
    epochSeconds: Float64Array.from(rows, ({ second }) => second),
    nanos: Uint32Array.from(rows, ({ nanos }) => nanos),
    metadataOfRow: Uint32Array.from(rows, (_, i) => i + 1),
    metadata: {
      bytes: Buffer.concat(withEmpty),
      starts: startsOf(withEmpty),
      count: withEmpty.length,
    },
  };
}

function sumOf(rows: readonly Row[]): RowSum {
  const hashes = new RowHashes();
  hashes.add(batchOf(rows));
  return hashes.sum();
}

const anyRow = fc.record({
  second: fc.integer({ min: -5_000_000_000, max: 9_000_000_000 }),
  nanos: fc.integer({ min: 0, max: 999_999_999 }),
  line: fc.string({ maxLength: 20 }),
  value: fc.string({ maxLength: 5 }),
});
const anyRows = fc.array(anyRow, { maxLength: 40 });
const bounds = { seed: 41, numRuns: 200 };

test("order does not count", () => {
  const property = fc.property(anyRows, (rows) => {
    assert.deepEqual(sumOf([...rows].reverse()), sumOf(rows));
  });
  fc.assert(property, bounds);
});

test("sums of parts add up to the sum of all", () => {
  const property = fc.property(anyRows, fc.nat(40), (rows, at) => {
    const parts = [rows.slice(0, at), rows.slice(at)].map(sumOf);
    assert.ok(sameSum(addSums(parts[0]!, addSums(parts[1]!, noRows)), sumOf(rows)));
  });
  fc.assert(property, bounds);
});

test("any change of a row changes the sum", () => {
  const property = fc.property(anyRows, anyRow, anyRow, (rows, one, other) => {
    fc.pre(JSON.stringify(one) !== JSON.stringify(other));
    assert.ok(!sameSum(sumOf([...rows, one]), sumOf([...rows, other])));
  });
  fc.assert(property, bounds);
});

test("what is in the line and what is in metadata is told apart", () => {
  const row = { second: 1, nanos: 2, line: "ab", value: "c" };
  assert.ok(!sameSum(sumOf([row]), sumOf([{ ...row, line: "abc", value: "" }])));
});

test("rows that come twice count once when asked for distinct ones", () => {
  const property = fc.property(anyRows, (rows) => {
    const distinct = [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
    const hashes = new RowHashes();
    hashes.add(batchOf(rows));
    hashes.add(batchOf(rows));
    assert.deepEqual(hashes.distinctSum(), sumOf(distinct));
  });
  fc.assert(property, bounds);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { packUints, writeVarint } from "#columns";
import { ByteReader } from "./byte-reader.ts";
import { blockRowsMax, tableEntriesMax } from "./limits.ts";

const origin = { key: "k", offset: 7, part: "section 2" };

/** `count` times the same value: a few bytes. */
function equalValues(count: number): Buffer {
  const bytes = Buffer.alloc(24);
  let at = writeVarint(bytes, 0, count);
  at = writeVarint(bytes, at, 5);
  bytes[at++] = 0;
  return bytes.subarray(0, at);
}

test("a block of equal values is read from a few bytes", () => {
  const reader = new ByteReader(equalValues(blockRowsMax), origin);
  const values = reader.uint32s({ countMax: tableEntriesMax });
  assert.equal(values.length, blockRowsMax);
  assert.ok(values.every((value) => value === 5));
});

test("a few bytes do not become a vector of millions", () => {
  for (const count of [blockRowsMax * 2, tableEntriesMax]) {
    const read = (): unknown =>
      new ByteReader(equalValues(count), origin).uint32s({ countMax: tableEntriesMax });
    const message = new RegExp(
      `^k at byte 7 \\(section 2\\): raw byte \\d+: ${count} values, limit`,
    );
    assert.throws(read, { kind: "corrupt", message });
  }
});

test("a vector of millions is read where its bytes are", () => {
  const count = blockRowsMax * 3;
  const packed = packUints(Float64Array.from({ length: count }, (_, i) => i % 2));
  const values = new ByteReader(packed, origin).uint32s({ countMax: tableEntriesMax });
  assert.equal(values.length, count);
  assert.equal(values[count - 1], (count - 1) % 2);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteKernel } from "./byte-kernel.ts";

test("a byte is counted wherever it stands, in bytes of any length", () => {
  const kernel = new ByteKernel();
  const lengths = [0, 1, 15, 16, 17, 4_079, 4_080, 4_096, 65_535, 65_536, 65_537, 200_001];
  for (const length of lengths) {
    for (const byte of [0, 10, 255]) {
      assert.equal(kernel.count(new Uint8Array(length).fill(byte), byte), length, `${length}`);
    }
    assert.equal(kernel.count(new Uint8Array(length), 10), 0);
  }
});

test("the count is that of a plain loop", () => {
  const kernel = new ByteKernel();
  const bytes = fc.uint8Array({ maxLength: 400 }).map((few) => few.map((byte) => byte & 0x83));
  fc.assert(
    fc.property(bytes, fc.nat(255), (some, byte) => {
      assert.equal(kernel.count(some, byte), some.filter((one) => one === byte).length);
    }),
    { numRuns: 500, seed: 19 },
  );
});

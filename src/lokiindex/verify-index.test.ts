import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { isStoreError } from "#base";
import { checksumOf } from "./checksum.ts";
import { compareSeries, withTenantLabel } from "./compare-series.ts";
import { gunzipIndex } from "./gunzip-index.ts";
import { build, chunk, fixtureIndexes, readFixture, seriesWith } from "./index-test-kit.ts";
import { inspectIndex } from "./inspect-index.ts";
import { openIndex } from "./tsdb-index.ts";
import { verifyIndex } from "./verify-index.ts";

for (const path of fixtureIndexes()) {
  test(`${path} is sound`, () => {
    const kind = path.includes("-compactor-") ? "one" : "many";
    assert.deepEqual(verifyIndex(path, readFixture(path), { kind }), []);
  });
}

const many = Array.from({ length: 70 }, (_, i) =>
  chunk({ minMs: i * 1000, maxMs: i * 1000 + 999, checksum: i }),
);
const series = [
  seriesWith({ app: "web", env: "prod" }, many),
  seriesWith({ app: "web", env: "dev" }),
  seriesWith({ app: "db" }),
].sort(compareSeries);

test("a file of two kinds, or in the wrong folder, is not sound", async () => {
  const mixed = series.map((one, i) =>
    i === 0 ? { ...one, labels: withTenantLabel(one.labels, "x") } : one,
  );
  const { bytes } = await build(mixed);
  assert.match(verifyIndex("mixed", bytes).join(), /2 of 3 series without a tenant/);
  const own = (await build(series)).bytes;
  assert.deepEqual(verifyIndex("own", own, { kind: "one" }), []);
  assert.match(verifyIndex("own", own, { kind: "many" }).join(), /3 of 3 series without a tenant/);
});

test("every changed byte is damage, and nothing else is ever thrown", async () => {
  for (const version of [2, 3, 4] as const) {
    const { bytes } = await build(series, version);
    assert.deepEqual(verifyIndex("sound", bytes), []);
    const missed: number[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 << (at % 8);
      if (verifyIndex("damaged", damaged).length === 0) missed.push(at);
      answerAll(damaged);
    }
    // What is left: padding between label indices and between lists, which nobody reads.
    for (const at of missed) assert.equal(bytes[at], 0, `version ${version} byte ${at}`);
  }
});

test("a file cut anywhere is damage", async () => {
  const { bytes } = await build(series);
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    assert.throws(
      () => openIndex("cut", cut),
      (error) => isStoreError(error, "corrupt"),
    );
  }
});

test("counts that a checksum confirms still allocate nothing that the file has no room for", async () => {
  const { bytes } = await build(series);
  const { toc } = openIndex("sound", bytes);
  const sections = [toc.symbols, toc.postingsTable, toc.fingerprintOffsets, toc.labelIndexTable];
  for (const at of sections) {
    for (const count of [0, 1, 0x7fffffff, 0xffffffff]) {
      const damaged = Buffer.from(bytes);
      const length = damaged.readUInt32BE(at);
      if (damaged.readUInt32BE(at + 4) === count) continue;
      damaged.writeUInt32BE(count, at + 4);
      damaged.writeUInt32BE(checksumOf(damaged, at + 4, at + 4 + length), at + 4 + length);
      assert.ok(verifyIndex("hostile", damaged).length > 0, `section ${at} count ${count}`);
      answerAll(damaged);
    }
  }
});

/** Asks everything; only damage may come out. */
function answerAll(bytes: Buffer): void {
  const range = { fromMs: 3000, toMs: 9000 };
  try {
    const index = openIndex("damaged", bytes);
    const all = { matchers: [], tenant: undefined };
    index.labelNames(all, range);
    index.labelValues("app", all, range);
    index.stats(all, range);
    for (const one of index.seriesChunks(all, range)) assert.ok(one.chunks.length > 0);
  } catch (error) {
    if (!isStoreError(error, "corrupt")) throw error;
  }
}

test("a bomb is refused before it is unpacked", async () => {
  const bomb = gzipSync(Buffer.alloc(1 << 20));
  const limits = { isGzip: true, bytesMax: 1 << 19 };
  await assert.rejects(gunzipIndex("bomb", bomb, limits), /bomb: expected at most 524288 bytes/);
  const cut = bomb.subarray(0, 100);
  await assert.rejects(gunzipIndex("cut", cut, { isGzip: true, bytesMax: 1 << 21 }), (error) =>
    isStoreError(error, "corrupt"),
  );
});

test("what is in a file is told as text", async () => {
  const { bytes } = await build(series);
  const text = inspectIndex("own.tsdb", bytes).lines.join("\n");
  assert.match(text, /version 3, 3 series/);
  assert.match(text, /\{app="web", env="prod"\} 70 chunks, 700 entries/);
  assert.match(text, /verified$/);
});

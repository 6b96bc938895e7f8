import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareText, Labels } from "#model";
import { type ChunkMeta, compareChunks } from "./chunk-meta.ts";
import { compareSeries } from "./compare-series.ts";
import {
  build,
  chunk,
  fixtureIndexes,
  noTurn,
  openFixture,
  seriesOf,
  seriesWith,
} from "./index-test-kit.ts";
import { sortTexts } from "./sort-texts.ts";
import { openIndex } from "./tsdb-index.ts";
import { verifyIndex } from "./verify-index.ts";
import { writeIndex } from "./write-index.ts";

const paths = fixtureIndexes();

test("there are files that Loki wrote", () => {
  assert.ok(paths.length >= 25, `${paths.length} files`);
});

for (const path of paths) {
  test(`${path} is written again byte for byte`, async () => {
    const index = openFixture(path);
    const built = await build(seriesOf(index), index.version);
    assert.ok(built.bytes.equals(index.bytes));
    assert.equal(built.checksum, index.checksum);
    assert.deepEqual([built.minMs, built.maxMs], [index.minMs, index.maxMs]);
    assert.equal(built.seriesCount, index.seriesCount);
  });
}

const times = fc.record({
  minMs: fc.integer({ min: -5_000_000, max: 2_000_000_000_000 }),
  lengthMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 90_000_000 })),
  kib: fc.oneof(fc.nat(3000), fc.nat()),
  entries: fc.oneof(fc.nat(3000), fc.nat()),
  checksum: fc.oneof(fc.nat(3), fc.constant(0xffffffff), fc.nat()),
  ingestedDays: fc.option(fc.integer({ min: -30_000, max: 30_000 }), { nil: undefined }),
});
const chunkLists = fc.array(times, { minLength: 1, maxLength: 90 });
const streams = fc.uniqueArray(
  fc.record({
    name: fc.string({ unit: "binary", minLength: 1, maxLength: 5 }),
    chunks: chunkLists,
  }),
  { minLength: 1, maxLength: 6, selector: ({ name }) => name },
);

test("whatever is written comes back, sorted, each chunk once, and is sound", async () => {
  await fc.assert(
    fc.asyncProperty(streams, fc.constantFrom(2, 3, 4), async (given, version) => {
      const series = given
        .map(({ name, chunks }) => {
          const metas = chunks.map(({ ingestedDays, lengthMs, ...rest }): ChunkMeta => {
            const meta = { ...rest, maxMs: rest.minMs + lengthMs };
            const hasDay = version === 4 && ingestedDays !== undefined;
            return hasDay ? { ...meta, ingestedDays } : meta;
          });
          return seriesWith({ [name]: name, app: "x" }, metas);
        })
        .sort(compareSeries);
      const { bytes, chunkCount } = await build(series, version);
      assert.deepEqual(verifyIndex("random", bytes), []);
      const back = seriesOf(openIndex("random", bytes));
      const wanted = series.map((one) => ({ ...one, chunks: distinctNaively(one.chunks) }));
      assert.deepEqual(back, wanted);
      assert.equal(
        chunkCount,
        wanted.reduce((sum, { chunks }) => sum + chunks.length, 0),
      );
    }),
    { seed: 20_260_102, numRuns: 80 },
  );
});

function distinctNaively(chunks: readonly ChunkMeta[]): ChunkMeta[] {
  const seen = new Map<string, ChunkMeta>();
  for (const one of chunks) {
    const name = `${one.minMs} ${one.maxMs} ${one.checksum}`;
    if (!seen.has(name)) seen.set(name, one);
  }
  return [...seen.values()].sort(compareChunks);
}

test("nothing to write is no file; what is out of order or empty is our own fault", async () => {
  const options = { version: 3, nextTurn: noTurn } as const;
  assert.equal(await writeIndex([], options), undefined);
  const sorted = [seriesWith({ a: "1" }), seriesWith({ b: "1" })].sort(compareSeries);
  await assert.rejects(writeIndex(sorted.toReversed(), options), /out of order/);
  await assert.rejects(writeIndex([sorted[0]!, sorted[0]!], options), /out of order/);
  await assert.rejects(writeIndex([seriesWith({ a: "1" }, [])], options), /without chunks/);
});

test("a stream without labels is listed", async () => {
  const none = { fingerprint: Labels.empty.fingerprint, labels: Labels.empty, chunks: [chunk()] };
  assert.equal(none.fingerprint, 0xef46db3751d8e999n);
  const { bytes } = await build([none]);
  assert.deepEqual(verifyIndex("empty", bytes), []);
  assert.deepEqual(seriesOf(openIndex("empty", bytes)), [none]);
});

test("texts are sorted by bytes in runs, also beyond U+FFFF", async () => {
  const texts = Array.from({ length: 40_000 }, (_, i) =>
    String.fromCodePoint([0x61, 0xe9, 0xffee, 0x1f600][i % 4]!, 0x4e00 + ((i * 7919) % 20_000)),
  );
  const distinct = [...new Set(texts)];
  const byBytes = distinct.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual(await sortTexts([...distinct], noTurn), byBytes);
  assert.deepEqual(distinct.toSorted(compareText), byBytes);
  const plain = distinct.filter((text) => text.codePointAt(0)! < 0xffff);
  assert.deepEqual(
    await sortTexts([...plain], noTurn),
    byBytes.filter((text) => text.codePointAt(0)! < 0xffff),
  );
});

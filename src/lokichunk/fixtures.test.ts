/** Chunks that Loki wrote: read whole, found sound, and written again byte for byte. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "#model";
import { buildChunksNow } from "./build-chunks.ts";
import type { BuiltChunk, LokiChunk } from "./chunk.ts";
import { formatChunkKey, parseChunkKey } from "./chunk-key.ts";
import { entriesOfRows, everyColumn, type TestEntry } from "./chunk-test-kit.ts";
import { decodeChunkBlock } from "./decode-block.ts";
import { bucketNames, chunksOfBucket, pushedInto, type StoredChunk } from "./fixture-buckets.ts";
import { inspectChunk } from "./inspect-chunk.ts";
import { openChunk } from "./open-chunk.ts";
import { batchOfRows } from "./rows-batch.ts";
import { verifyChunk } from "./verify-chunk.ts";

/** Damaged by Loki's own delete: one block has ids past the symbols. */
const damaged = "symbol-out-of-range";

function open({ key, bytes }: StoredChunk): LokiChunk {
  return openChunk(key, bytes, parseChunkKey(key)!.ref.checksum);
}

function textOf(tenant: string, labels: Labels, entry: TestEntry): string {
  const { ns, line, metadata = {} } = entry;
  return JSON.stringify([tenant, labels.pairs, String(ns), line, Labels.from(metadata).pairs]);
}

for (const name of bucketNames.filter((bucket) => bucket !== damaged)) {
  test(`${name}: the chunks hold what was pushed`, () => {
    const found = new Set<string>();
    for (const stored of chunksOfBucket(name)) {
      const chunk = open(stored);
      const { tenant, labels } = chunk.header;
      for (let i = 0; i < chunk.blocks.length; i++) {
        const rows = decodeChunkBlock(chunk, i, everyColumn);
        assert.equal(rows.baseNs, chunk.blocks[i]!.minNs);
        for (const entry of entriesOfRows(rows)) found.add(textOf(tenant, labels, entry));
      }
    }
    const pushed = pushedInto(name).map(({ tenant, labels, ts, line, metadata = {} }) => {
      const kept = Object.entries(name === "v12" ? {} : metadata).filter(([, value]) => value);
      const entry = { ns: BigInt(ts), line, metadata: Object.fromEntries(kept) };
      return textOf(tenant, Labels.from(labels), entry);
    });
    assert.deepEqual([...found].sort(), [...new Set(pushed)].sort());
  });
}

for (const name of bucketNames) {
  test(`${name}: nothing is wrong with the chunks, and all can be described`, () => {
    for (const { key, bytes } of chunksOfBucket(name)) {
      const findings = verifyChunk(key, bytes).map(({ text }) => text);
      const expected = name === damaged ? ["block 3: entry 4 uses symbol 23 of 23"] : [];
      assert.deepEqual(findings, expected, key);
      assert.equal(inspectChunk(key, bytes).problems.length, expected.length);
    }
  });
}

test("an id past the symbols is the empty string, as Loki answers", () => {
  const [stored] = chunksOfBucket(damaged);
  const chunk = open(stored!);
  const entries = chunk.blocks.flatMap((_, i) =>
    entriesOfRows(decodeChunkBlock(chunk, i, everyColumn)),
  );
  assert.equal(entries.length, 22);
  const values = entries.map(({ metadata }) => metadata!["k"]);
  assert.deepEqual(values.slice(0, 5), ["v00", "v01", "v04", "v05", "v08"]);
  assert.deepEqual(values.slice(-3), ["v23", "", ""]);
});

/** One chunk again from its decoded rows, cut as its bucket's Loki was configured. */
function rebuilt(chunk: LokiChunk, blockBytes: number): BuiltChunk {
  const { tenant, labels, fingerprint, ingestedAtMs } = chunk.header;
  const rows = chunk.blocks.map((_, i) => {
    const batch = batchOfRows(decodeChunkBlock(chunk, i, everyColumn));
    return { batch, fromRow: 0, toRow: batch.rowCount };
  });
  const version = chunk.version === 4 ? 4 : 3;
  const sizes = { blockBytes, targetBytes: 0 };
  const options = { version, codec: chunk.codec, ingestedAtMs, ...sizes } as const;
  const built = buildChunksNow({ tenant, labels, fingerprint, rows }, options);
  assert.equal(built.length, 1);
  return built[0]!;
}

const rewritten: readonly [name: string, blockBytes: number, identical: number, of: number][] = [
  // Symbols are numbered as entries arrived, which for two chunks was not in order of time.
  ["none", 4096, 14, 16],
  ["many-chunks", 512, 95, 95],
  ["tiny-none", 4096, 1, 1],
  ["tiny-snappy", 4096, 1, 1],
  ["v12", 4096, 13, 13],
  ["v14", 4096, 2, 2],
  ["period-switch", 4096, 3, 3],
];
for (const [name, blockBytes, identical, of] of rewritten) {
  test(`${name}: ${identical} of ${of} chunks are written again byte for byte`, () => {
    const chunks = chunksOfBucket(name);
    let same = 0;
    for (const { key, bytes } of chunks) {
      const built = rebuilt(openChunk(key, bytes), blockBytes);
      if (built.bytes.equals(bytes)) {
        same++;
        assert.equal(formatChunkKey(built.ref, "v12"), key);
      }
      assert.equal(built.bytes.length, bytes.length);
      const { ref } = parseChunkKey(key)!;
      assert.deepEqual({ ...built.ref, checksum: 0 }, { ...ref, checksum: 0 });
    }
    assert.deepEqual([same, chunks.length], [identical, of]);
  });
}

test("the worked example of docs/formats/loki-chunk.md", () => {
  const [stored] = chunksOfBucket("tiny-none");
  assert.equal(stored!.key, "fake/852af07b66acc10f/1941f297c00:1941f297c05:718c9297");
  const chunk = open(stored!);
  assert.equal(chunk.header.fingerprint, 9595746368860504335n);
  assert.equal(chunk.header.labels.toString(), '{app="web", env="prod"}');
  assert.deepEqual(chunk.symbols.texts(), ["span_id", "x", "trace_id", "abc"]);
  assert.deepEqual(entriesOfRows(decodeChunkBlock(chunk, 0, everyColumn)), [
    { ns: 1735689600000000001n, line: "hello", metadata: {} },
    { ns: 1735689600005000000n, line: "wörld", metadata: { span_id: "x", trace_id: "abc" } },
  ]);
  assert.equal(rebuilt(chunk, 262144).kb, 0);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Labels } from "#model";
import { type BuildChunksOptions, buildChunks, buildChunksNow } from "./build-chunks.ts";
import type { BuiltChunk, ChunkCodec } from "./chunk.ts";
import { formatChunkKey } from "./chunk-key.ts";
import { batchOf, entriesOf, stored, type TestEntry, testLabels } from "./chunk-test-kit.ts";
import { decodeChunkBlockAsync } from "./decode-block.ts";
import { openChunk } from "./open-chunk.ts";
import { batchOfRows } from "./rows-batch.ts";
import { verifyChunk } from "./verify-chunk.ts";

const codecs: readonly ChunkCodec[] = [
  "none",
  "gzip",
  "lz4-64k",
  "lz4-256k",
  "lz4-1M",
  "lz4",
  "snappy",
  "flate",
  "zstd",
];

const startNs = 1_735_689_600_000_000_000n;
const ms = 1_000_000n;

function build(entries: readonly TestEntry[], options: Partial<BuildChunksOptions>): BuiltChunk[] {
  const batch = batchOf(entries);
  const rows = [{ batch, fromRow: 0, toRow: batch.rowCount }];
  const stream = { tenant: "fake", labels: testLabels, rows };
  return buildChunksNow(stream, { version: 4, codec: "snappy", ...options });
}

function findingsOf(chunks: readonly BuiltChunk[]): string[] {
  return chunks.flatMap(({ ref, bytes, entryCount, kb }) => {
    const expected = { ref, labels: testLabels, entryCount, kb };
    return verifyChunk(formatChunkKey(ref, "v12"), bytes, expected).map(({ text }) => text);
  });
}

const text = fc.string({ unit: "binary", maxLength: 60 });
const entry: fc.Arbitrary<TestEntry> = fc.record({
  // Few distinct times, so that some are equal; and far ones on both sides.
  ns: fc.oneof(
    fc.bigInt(0n, 20n).map((n) => startNs + n * 999_999n),
    fc.bigInt(-(2n ** 62n), 2n ** 62n),
  ),
  line: fc.oneof(text, fc.constant(""), fc.constant("same"), fc.constant("inner\nnewline\n")),
  metadata: fc.dictionary(
    fc.constantFrom("a", "b", "trace_id", "_x", "constructor"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 8 }).map((value) => value.toWellFormed()),
    { maxKeys: 4 },
  ),
});

for (const codec of codecs) {
  for (const version of [3, 4] as const) {
    test(`${codec}, version ${version}: what goes in comes out, sorted, each entry once`, () => {
      const property = fc.property(
        fc.array(entry, { minLength: 1, maxLength: 40 }),
        fc.constantFrom(64, 1000, 262_144),
        fc.constantFrom(0, 500, 4000),
        (entries, blockBytes, targetBytes) => {
          // One chunk holds less than 104 days per window; far times are cut by span.
          const sizes = { blockBytes, targetBytes, spanNsMax: 1e15 };
          const chunks = build(entries, { codec, version, ...sizes });
          const kept = version === 3 ? entries.map(({ ns, line }) => ({ ns, line })) : entries;
          assert.deepEqual(entriesOf(chunks), stored(kept));
          assert.deepEqual(findingsOf(chunks), []);
        },
      );
      fc.assert(property, { seed: 7, numRuns: 40 });
    });
  }

  test(`${codec}: lines of a MiB, non-ASCII, much metadata; alike on and off this thread`, async () => {
    const metadata = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, `v${i}`]));
    const entries = Array.from({ length: 30 }, (_, i) => ({
      ns: startNs + BigInt(i) * ms,
      line: i % 10 === 0 ? `${i} Grüße 東京 🦊 `.repeat(40_000) : `${i}`,
      ...(i % 3 === 0 ? { metadata } : {}),
    }));
    const chunks = build(entries, { codec });
    assert.deepEqual(entriesOf(chunks), stored(entries));
    assert.deepEqual(findingsOf(chunks), []);
    const batch = batchOf(entries);
    const rows = [{ batch, fromRow: 0, toRow: batch.rowCount }];
    const stream = { tenant: "fake", labels: testLabels, rows };
    assert.deepEqual(await buildChunks(stream, { version: 4, codec }), chunks);
    const opened = openChunk("test", chunks[0]!.bytes);
    const columns = { lines: false, lengths: true, metadata: ["k7"] };
    const some = await decodeChunkBlockAsync(opened, 0, columns);
    assert.equal(some.lines, undefined);
    assert.deepEqual(
      some.metadata.map(({ name, values }) => [name, values.texts()]),
      [["k7", ["v7"]]],
    );
  });
}

function plainLines(count: number, bytes: number): TestEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    ns: startNs + BigInt(i) * ms,
    line: `${i}`.padEnd(bytes, "x"),
  }));
}

test("a block ends with the entry that reaches the block size", () => {
  const [chunk] = build(plainLines(10, 100), { blockBytes: 300, codec: "none" });
  const { blocks } = openChunk("test", chunk!.bytes);
  assert.deepEqual(
    blocks.map(({ entryCount, accountedBytes }) => [entryCount, accountedBytes]),
    [
      [3, 300],
      [3, 300],
      [3, 300],
      [1, 100],
    ],
  );
});

test("a chunk ends before the entry that would make it reach the target", () => {
  const chunks = build(plainLines(10, 100), { targetBytes: 301, codec: "none" });
  assert.deepEqual(
    chunks.map(({ entryCount }) => entryCount),
    [3, 3, 3, 1],
  );
  assert.equal(build(plainLines(3, 100), { targetBytes: 300, codec: "none" }).length, 2);
});

test("an entry larger than the target is a chunk of its own", () => {
  const entries = [...plainLines(2, 10), { ns: startNs + 9n, line: "y".repeat(500) }];
  assert.equal(build(entries, { targetBytes: 100 }).length, 3);
});

test("an entry as late as the span allows begins a new chunk", () => {
  const chunks = build(plainLines(5, 10), { spanNsMax: 2e6 });
  assert.deepEqual(
    chunks.map(({ entryCount }) => entryCount),
    [2, 2, 1],
  );
});

test("bounds are floor and ceiling in ms, through inclusive", () => {
  const bounds = (times: readonly bigint[]): number[] => {
    const [{ ref }] = build(
      times.map((ns) => ({ ns, line: "x" })),
      {},
    ) as [BuiltChunk];
    return [ref.fromMs - 1_735_689_600_000, ref.throughMs - 1_735_689_600_000];
  };
  assert.deepEqual(bounds([startNs + 1n, startNs + 999_999n]), [0, 1]);
  assert.deepEqual(bounds([startNs + 5n * ms]), [5, 5]);
});

test("names are rewritten, empty values vanish, entries that then are equal are one", () => {
  const metadata = (pairs: Record<string, string>): TestEntry => {
    return { ns: startNs, line: "x", metadata: pairs };
  };
  const chunks = build(
    [
      metadata({ "span.id": "1", "9z": "2", gone: "", Ω: "3", "a..b": "4", __in__: "5" }),
      metadata({ span_id: "1", key_9z: "2", a_b: "4", __in__: "5" }),
      metadata({ z: "1", "a.": "2" }),
    ],
    {},
  );
  assert.deepEqual(entriesOf(chunks), [
    {
      ns: startNs,
      line: "x",
      metadata: { __in__: "5", a_b: "4", key_9z: "2", span_id: "1" },
    },
    { ns: startNs, line: "x", metadata: { a_: "2", z: "1" } },
  ]);
  assert.deepEqual(findingsOf(chunks), []);
});

test("only empty lines: the entries are kept, and blocks of them are bounded", () => {
  const entries = Array.from({ length: 5 }, (_, i) => ({ ns: startNs + BigInt(i), line: "" }));
  const chunks = build(entries, { version: 3 });
  assert.equal(chunks[0]!.kb, 0);
  assert.deepEqual(entriesOf(chunks), stored(entries));
  assert.deepEqual(build([], {}), []);
});

test("__name__ is not part of the stream, and is logs in the object", () => {
  const batch = batchOf(plainLines(1, 1));
  const rows = [{ batch, fromRow: 0, toRow: 1 }];
  const labels = Labels.from({ __name__: "mine", app: "a" });
  const options = { version: 4, codec: "none" } as const;
  const [chunk] = buildChunksNow({ tenant: "t", labels, rows }, options);
  assert.equal(chunk!.ref.fingerprint, 0x7cd28a6982c64327n);
  assert.match(chunk!.bytes.toString("latin1"), /"metric":\{"__name__":"logs","app":"a"\}/);
});

test("label values are escaped in the header as Go escapes them", () => {
  const batch = batchOf(plainLines(1, 1));
  const rows = [{ batch, fromRow: 0, toRow: 1 }];
  const value = 'a"b\\c\nd\te<f>&\u2028\u0001東🦊';
  const labels = Labels.from({ app: value });
  const options = { version: 4, codec: "none" } as const;
  const [{ bytes }] = buildChunksNow({ tenant: "t", labels, rows }, options) as [BuiltChunk];
  const written = String.raw`"a\"b\\c\nd\te\u003cf\u003e\u0026\u2028\u0001東🦊"`;
  assert.ok(bytes.includes(`"app":${written}}`));
  assert.equal(openChunk("test", bytes).header.labels.get("app"), value);
});

test("decoded rows are a batch again, bytes that are no UTF-8 included", async () => {
  const entries = plainLines(50, 20).map((item, i) => ({
    ...item,
    metadata: { trace_id: `${i % 7}`, level: "info" },
  }));
  const [chunk] = build(entries, { codec: "zstd" });
  const opened = openChunk("test", chunk!.bytes);
  const needs = { lines: true, lengths: true, metadata: "all" } as const;
  const batch = batchOfRows(await decodeChunkBlockAsync(opened, 0, needs));
  const rows = [{ batch, fromRow: 0, toRow: batch.rowCount }];
  const stream = { tenant: "fake", labels: testLabels, rows };
  assert.deepEqual(buildChunksNow(stream, { version: 4, codec: "zstd" })[0], chunk);
});

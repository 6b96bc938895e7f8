/** Loki's own files: chunks, index files, databases beside them, keys. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { MiB } from "#base";
import { makeMatcher } from "#logql";
import {
  blockWindows,
  buildChunksNow,
  type ChunkCodec,
  decodeChunkBlock,
  formatChunkKey,
  keyMapping,
  openChunk,
  parseChunkKey,
} from "#lokichunk";
import {
  gunzipIndex,
  inspectIndex,
  inspectLokiDatabase,
  openIndex,
  parseIndexPath,
  parseShard,
  parseTableName,
  readDeleteRequests,
  readDeletionMarks,
  verifyIndex,
  writeIndex,
} from "#lokiindex";
import { Labels } from "#model";
import { batchOf } from "../../src/lokichunk/chunk-test-kit.ts";
import { inspectLokiChunk } from "../../src/cli/inspect-loki-chunk.ts";
import { inspectLokiIndex } from "../../src/cli/inspect-loki-index.ts";
import {
  codecOfByte,
  compressNow,
  decompress,
  decompressNow,
} from "../../src/lokichunk/compression.ts";
import { fileOf, isCorrupt, mayReject, mayThrow, smallest, texts } from "./allowed-errors.ts";
import { boltFile } from "./bolt-seed.ts";
import type { FuzzTarget } from "./fuzzer.ts";
import { sealBolt, sealChunk, sealIndex, sealSnappyFrames } from "./seals.ts";

const bucket = "test/fixtures/loki-bucket/gzip/bucket";
const deletes = "test/fixtures/loki-bucket/deletes/bucket";
const chunkKey = "fake/ab/1:2:3";
const needs = { lines: true, lengths: true, metadata: "all" } as const;
const labels = Labels.from({ app: "web", zone: "東京" });
const ns = 1_768_003_201_000_000_000n;

const codecs: readonly ChunkCodec[] = ["none", "gzip", "lz4-64k", "lz4", "snappy", "flate", "zstd"];

/** Two blocks of some entries, with metadata where the version has any. */
function chunkOf(codec: ChunkCodec, version: 3 | 4): Buffer {
  const entries = Array.from({ length: 6 }, (_, i) => ({
    ns: ns + BigInt(i) * 1_000_000n,
    line: `line ${i} ${"x".repeat(i * 5)}`,
    metadata: i % 2 === 0 ? { trace_id: `t${i}`, k: "" } : {},
  }));
  const rows = [{ batch: batchOf(entries), fromRow: 0, toRow: entries.length }];
  const options = { version, codec, blockBytes: 60 };
  return Buffer.from(buildChunksNow({ tenant: "fake", labels, rows }, options)[0]!.bytes);
}

function readChunk(bytes: Buffer): void {
  inspectLokiChunk(chunkKey, bytes);
  mayThrow(isCorrupt, () => {
    const chunk = openChunk(chunkKey, bytes);
    for (const [i, facts] of chunk.blocks.slice(0, 4).entries()) {
      for (const window of blockWindows(facts).slice(0, 4)) {
        mayThrow(isCorrupt, () => {
          const { rowCount, lines, metadata } = decodeChunkBlock(chunk, i, needs, window);
          for (let row = 0; row < rowCount; row++) lines!.text(row);
          for (const { ids, values } of metadata) {
            for (const id of ids) if (id !== 0) values.text(id - 1);
          }
        });
      }
    }
  });
}

const range = { fromMs: 1_768_003_200_000, toMs: 1_768_003_300_000 };

function readIndex(bytes: Buffer): void {
  verifyIndex("fuzzed", bytes);
  inspectIndex("fuzzed", bytes);
  const index = mayThrow(isCorrupt, () => openIndex("fuzzed", bytes));
  if (index === undefined) return;
  const matchers = [makeMatcher("app", "=~", "w.*|"), makeMatcher("pod", "!=", "p1")];
  const choice = { matchers, tenant: undefined };
  const shard = parseShard("0_of_2");
  const questions: readonly (() => unknown)[] = [
    () => index.select(shard === undefined ? choice : { ...choice, shard }),
    () => [...index.seriesChunks(choice, range)],
    () => index.labelNames({ matchers: [], tenant: undefined }, range),
    () => index.labelValues("app", choice, range),
    () => index.stats(choice, range),
    () => [...index.volumes({ matchers: [], tenant: undefined }, range)],
    () => index.seriesCount,
    () => index.tenants(),
  ];
  for (const ask of questions) mayThrow(isCorrupt, ask);
}

async function indexOf(version: 2 | 3 | 4, chunkCount: number, tenant?: string): Promise<Buffer> {
  const more = tenant === undefined ? {} : { __loki_tenant__: tenant };
  const series = ["p0", "p1"].map((pod) => {
    const of = Labels.from({ app: "web", pod, ...more });
    const chunks = Array.from({ length: chunkCount }, (_, i) => ({
      minMs: range.fromMs + i * 1_000,
      maxMs: range.fromMs + i * 1_000 + 500,
      kib: 3,
      entries: 10 + i,
      checksum: i,
    }));
    return { fingerprint: of.fingerprint, labels: of, chunks };
  });
  const sorted = series.sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
  const nextTurn = (): Promise<void> => Promise.resolve();
  return (await writeIndex(sorted, { version, nextTurn }))!.bytes;
}

const indexSeeds = [
  await indexOf(2, 2),
  await indexOf(3, 2, "fake"),
  await indexOf(3, 70),
  await indexOf(4, 3),
  gunzipSync(smallest(`${bucket}/index/*/*.tsdb.gz`)),
];

const requests = boltFile("index", [
  ["1\0fake:0a1b", "received"],
  ["2:fake:0a1b\x0019c0a1b2c3d:19c0a1b2000:19c0a1b2fff", '{app="web"}'],
  ["3:fake\0", "7"],
]);
const marks = boltFile("chunks", [["\0\0\0\0\0\0\0\u0001", "fake/1941f297c00/1:2:3"]]);

function sqliteOf(...statements: readonly string[]): Buffer {
  const database = new DatabaseSync(":memory:");
  const columns = "id, user_id, created_at, completed_at, start_time, end_time, query";
  database.exec("PRAGMA page_size = 512");
  for (const statement of statements) database.exec(statement.replace("COLUMNS", columns));
  const bytes = Buffer.from(database.serialize());
  database.close();
  return bytes;
}

const sqliteSeeds = [
  sqliteOf(
    "CREATE TABLE requests (COLUMNS)",
    `INSERT INTO requests VALUES ('1', 'fake', 1, NULL, 2, 3, '{a="b"}')`,
  ),
  sqliteOf(
    "CREATE TABLE requests (id, user_id BLOB, query)",
    "INSERT INTO requests VALUES (1,2,3)",
  ),
];

const mappings = [
  keyMapping({ medium: "filesystem" }),
  keyMapping({ medium: "object", prefix: "a/", delimiter: "-" }),
];

const periodsOfTables = [
  { fromMs: 0, schema: "v12", indexPrefix: "index_", pathPrefix: "index/" },
  { fromMs: 1e12, schema: "v13", indexPrefix: "i_1", pathPrefix: "" },
];

const chunks: readonly FuzzTarget[] = [
  {
    name: "loki-chunk",
    seeds: [
      ...codecs.map((codec) => chunkOf(codec, 4)),
      chunkOf("none", 3),
      chunkOf("gzip", 3),
      smallest(`${bucket}/*/*/M*`),
    ],
    words: ['"from":1e400', '"metric":{"', '"fingerprint":-1', "null"],
    sealed: sealChunk,
    run: readChunk,
  },
  {
    name: "loki-chunk-streams",
    seeds: codecs.map((codec, i) =>
      Buffer.concat([
        Buffer.from([i]),
        compressNow(codec, Buffer.from("hello hello hello ".repeat(9))),
      ]),
    ),
    sealed: (input) => Buffer.concat([input.subarray(0, 1), sealSnappyFrames(input.subarray(1))]),
    run: async (input) => {
      const codec = codecs[(input[0] ?? 0) % codecs.length]!;
      const sizes = { rawBytesMax: MiB, rawBytesHint: 500 };
      const place = { key: chunkKey, offset: 0 };
      const packed = { codec, bytes: input.subarray(1), place, ...sizes };
      const raw = mayThrow(isCorrupt, () => decompressNow(packed));
      assert.ok(raw === undefined || raw.length <= MiB, `${raw?.length} bytes`);
      assert.deepEqual(await mayReject(isCorrupt, () => decompress(packed)), raw);
      codecOfByte(input[0] ?? 0);
    },
  },
  {
    name: "loki-keys",
    seeds: texts(
      "fake/1941f297c00/1:2:3",
      "fake/1941f297c00:1:2:3",
      "fake/ab/MToyOjM=",
      "index_20089",
      "index_20089/1795362375-vm-1795362375804884729.tsdb.gz",
      "acme/1795363850852381262-compactor-1735688520714-1735692279246-39b4fd29.tsdb.gz",
      "0_of_16",
    ),
    words: ["/", ":", "%3A", "..", "_of_", "99999999999999999999", "-", ".tsdb", ".gz", "="],
    run: (bytes) => {
      const text = bytes.toString();
      const parsed = parseChunkKey(text);
      if (parsed !== undefined) {
        const { ref, form } = parsed;
        const again = parseChunkKey(formatChunkKey(ref, form));
        assert.deepEqual(again, parsed, "a key that was read can be written");
      }
      for (const mapping of mappings) mapping.toLogical(mapping.toStored(text));
      parseIndexPath(text);
      parseTableName(periodsOfTables, text);
      parseShard(text);
    },
  },
];

const indexes: readonly FuzzTarget[] = [
  { name: "loki-index", seeds: indexSeeds, sealed: sealIndex, run: readIndex },
  {
    name: "loki-index-gzip",
    seeds: [smallest(`${bucket}/index/*/*.tsdb.gz`).subarray(0, 2_000)],
    run: async (bytes) => {
      const options = { isGzip: true, bytesMax: MiB };
      await mayReject(isCorrupt, () => gunzipIndex("fuzzed", bytes, options));
      await inspectLokiIndex("fuzzed", "index_20089/fuzzed", bytes);
    },
  },
  {
    name: "loki-databases",
    seeds: [
      requests,
      marks,
      ...sqliteSeeds,
      gunzipSync(fileOf(`${deletes}/index/delete_requests/delete_requests.gz`)).subarray(0, 32_768),
    ],
    words: ["received", "processed", "2:fake:", "\0", "-1"],
    sealed: sealBolt,
    run: (bytes) => {
      mayThrow(isCorrupt, () => readDeleteRequests("fuzzed", bytes));
      mayThrow(isCorrupt, () => readDeletionMarks("fuzzed", bytes));
      inspectLokiDatabase("fuzzed", bytes);
    },
  },
];

export const lokiTargets: readonly FuzzTarget[] = [...chunks, ...indexes];
